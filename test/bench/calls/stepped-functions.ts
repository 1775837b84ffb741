import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FUNCTION_NAMES, type FunctionName } from '../../../lib/stages/function-bundles.ts';
import type { Authorizer } from '../../../local/aws/iam/authorizer.ts';
import { functionEnvironment } from '../../../local/lambda/function-environment.ts';
import { FunctionLog } from '../../../local/lambda/function-log.ts';
import { FunctionProcess } from '../../../local/lambda/function-process.ts';
import { DEFAULT_ASYNCHRONOUS_POLICY } from '../../../local/runtime/template/function-readers.ts';
import type { FunctionPlan } from '../../../local/runtime/template/stack-plan.ts';
import type { ManualClock } from '../../fakes/manual-clock.ts';

/** The deployed functions, one process per function. One invocation runs at a time. */
export class SteppedFunctions {
  readonly #clock: ManualClock;
  readonly #names = new Map<string, FunctionName>();
  readonly #processes = new Map<FunctionName, FunctionProcess>();
  readonly #logs: FunctionLog[] = [];
  #running: FunctionName | undefined;

  constructor(
    planned: readonly FunctionPlan[],
    options: {
      clock: ManualClock;
      authorizer: Authorizer;
      endpointUrl: string;
      openAiUrl: string;
      /** The folder of the functions' bundles. */
      bundles: string;
      logDirectory: string;
    },
  ) {
    this.#clock = options.clock;
    for (const plan of planned) {
      const environment = { ...plan.environment };
      if ('OPENAI_BASE_URL' in environment) environment.OPENAI_BASE_URL = options.openAiUrl;
      const spec = { ...plan, environment, asynchronous: DEFAULT_ASYNCHRONOUS_POLICY };
      const { endpointUrl } = options;
      const log = new FunctionLog(options.logDirectory, spec.name);
      const process = new FunctionProcess(spec, {
        environment: functionEnvironment(spec, {
          endpointUrl,
          credentials: options.authorizer.credentialsOf(plan.accessKeyId),
        }),
        log,
        onEnd: () => {},
      });
      const name = nameByCode(plan, options.bundles);
      this.#names.set(plan.name, name);
      this.#processes.set(name, process);
      this.#logs.push(log);
    }
  }

  /** Returns the function that has this name in the template. */
  nameOf(planned: string): FunctionName {
    const name = this.#names.get(planned);
    if (name === undefined) throw new Error(`the stack has no function ${planned}`);
    return name;
  }

  /** The function that runs now. Throws if no function runs. */
  get running(): FunctionName {
    if (this.#running === undefined) throw new Error('a call arrived while no function ran');
    return this.#running;
  }

  /** Runs one invocation and returns its result. The clock advances by the real time that it took. */
  async invoke(name: FunctionName, event: unknown): Promise<unknown> {
    const process = this.#processes.get(name);
    if (process === undefined) throw new Error(`the stack has no function ${name}`);
    if (this.#running !== undefined) throw new Error(`cannot invoke ${name} while ${this.#running} runs`);
    await process.whenReady();
    this.#running = name;
    const startedAt = performance.now();
    try {
      const requestId = crypto.randomUUID();
      const reading = { time: this.#clock.now(), wall: Date.now(), rate: 1 };
      return await process.invoke({ requestId, event, clock: { reading, follow: () => () => {} } });
    } finally {
      this.#running = undefined;
      this.#clock.advance(Math.ceil(performance.now() - startedAt));
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#processes.values()].map((process) => process.kill()));
    await Promise.all(this.#logs.map((log) => log.close()));
  }
}

function nameByCode({ name: planned, codeDirectory }: FunctionPlan, bundles: string): FunctionName {
  const code = readFileSync(join(codeDirectory, 'index.js'));
  const found = FUNCTION_NAMES.find((name) => code.equals(readFileSync(join(bundles, name, 'index.js'))));
  if (found === undefined) throw new Error(`${planned}: its code is not one of the bundles`);
  return found;
}
