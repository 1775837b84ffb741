import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Authorizer } from '../aws/iam/authorizer.ts';
import { AwsError } from '../aws/protocol/aws-error.ts';
import { LOCAL_ACCOUNT, LOCAL_REGION } from '../aws/protocol/aws-service.ts';
import type { Queues } from '../aws/sqs/queues.ts';
import type { VirtualClock } from '../clock.ts';
import { invokeAsynchronously } from '../lambda/asynchronous-invocation.ts';
import { EventSourceMapping } from '../lambda/event-source-mapping.ts';
import { functionEnvironment } from '../lambda/function-environment.ts';
import type { ProblemListener } from '../lambda/function-process.ts';
import { LambdaFunction } from '../lambda/lambda-function.ts';
import type { AppOptions } from './app-options.ts';
import { DEFAULT_ASYNCHRONOUS_POLICY } from './template/function-readers.ts';
import type { FunctionPlan, StackPlan } from './template/stack-plan.ts';

const STOPPING_GRACE_MS = 2_000; // short work may end; killed work is repeated after the restart

/** The functions of a plan, their processes and their event sources. */
export class Functions {
  readonly #byArn = new Map<string, LambdaFunction>();
  readonly #mappings: EventSourceMapping[];
  readonly #clock: VirtualClock;
  #isStopping = false;

  constructor(
    plan: Pick<StackPlan, 'functions' | 'invokeConfigs' | 'mappings'>,
    options: {
      clock: VirtualClock;
      authorizer: Authorizer;
      queues: Queues;
      endpointUrl: string;
      logDirectory: string;
      onProblem: ProblemListener;
      /** Replaces variables that the template sets, such as the address of the API. */
      environment: Readonly<Record<string, string>>;
      /** Added to every function's environment, for Node itself. */
      processEnvironment: Readonly<Record<string, string>>;
      /** How to run the functions of an app of somebody else. */
      app?: Pick<AppOptions, 'sdkFrom' | 'onLog'>;
    },
  ) {
    this.#clock = options.clock;
    for (const planned of plan.functions) {
      writeInlineCode(planned);
      const asynchronous =
        plan.invokeConfigs.find(({ functionName }) => functionName === planned.name) ??
        DEFAULT_ASYNCHRONOUS_POLICY;
      const environment = { ...planned.environment };
      for (const [name, value] of Object.entries(options.environment)) {
        if (name in environment) environment[name] = value;
      }
      const spec = { ...planned, environment, asynchronous };
      const credentials = options.authorizer.credentialsOf(planned.accessKeyId);
      const lambda = new LambdaFunction(spec, {
        ...options,
        mayLog: () => mayLog(planned, options.authorizer),
        ...(options.app && isOfApp(planned) && ofApp(planned.name, options.app)),
        environment: {
          ...functionEnvironment(spec, { endpointUrl: options.endpointUrl, credentials }),
          ...options.processEnvironment,
        },
      });
      this.#byArn.set(spec.arn, lambda);
    }
    this.#mappings = plan.mappings
      .filter(({ enabled }) => enabled)
      .map((mapping) => new EventSourceMapping(mapping, this.#named(mapping.functionName), options.queues));
  }

  /** Starts a process of each function, so that a function that cannot load fails now. Throws its error. */
  async initialize(): Promise<void> {
    await Promise.all([...this.#byArn.values()].map((lambda) => lambda.initialize()));
  }

  /** Starts the event source mappings. */
  start(): void {
    for (const mapping of this.#mappings) mapping.start();
  }

  /**
   * Invokes the function once and returns its result. Throws InvocationFailed, or an Error if there is no such
   * function.
   */
  async invoke(arn: string, event: unknown): Promise<unknown> {
    return await this.#at(arn).invoke(event);
  }

  /** Invokes the function with the retries of its EventInvokeConfig. The function's log has the last failure. */
  invokeLater(arn: string, event: unknown): void {
    invokeAsynchronously(this.#at(arn), event, this.#clock).catch(() => {});
  }

  /** Stops the event sources, waits a moment for running invocations, then kills every process. */
  async stop(): Promise<void> {
    if (this.#isStopping) return;
    this.#isStopping = true;
    const stopped = Promise.all(this.#mappings.map((mapping) => mapping.stop()));
    const grace = Promise.withResolvers<void>();
    const timer = setTimeout(grace.resolve, STOPPING_GRACE_MS);
    await Promise.race([stopped, grace.promise]);
    clearTimeout(timer);
    await Promise.all([...this.#byArn.values()].map((lambda) => lambda.close()));
    await stopped;
  }

  #at(arn: string): LambdaFunction {
    const lambda = this.#byArn.get(arn);
    if (lambda === undefined) throw new Error(`no function ${arn}`);
    return lambda;
  }

  #named(name: string): LambdaFunction {
    const lambda = [...this.#byArn.values()].find(({ spec }) => spec.name === name);
    if (lambda === undefined)
      throw new Error(`an event source mapping refers to ${name}, which is not a function`);
    return lambda;
  }
}

/** All functions of a Batchdrop, and no others, know its ledger. */
function isOfApp({ environment }: FunctionPlan): boolean {
  return environment.LEDGER_TABLE === undefined;
}

function ofApp(name: string, { sdkFrom, onLog }: Pick<AppOptions, 'sdkFrom' | 'onLog'>) {
  return { sdkFrom, onLine: (line: string) => onLog(name, line) };
}

/** Node takes the file as a CommonJS module unless it has the syntax of ES modules, as Lambda does. */
function writeInlineCode({ codeDirectory, inlineCode }: FunctionPlan): void {
  if (inlineCode === undefined) return;
  mkdirSync(codeDirectory, { recursive: true });
  writeFileSync(join(codeDirectory, 'package.json'), '{}');
  writeFileSync(join(codeDirectory, 'index.js'), inlineCode);
}

/** Lambda writes a function's log with the function's own role. Without permission, it silently drops the log. */
function mayLog({ roleArn, name, logGroup }: FunctionPlan, authorizer: Authorizer): boolean {
  const role = authorizer.actingAs(roleArn, name);
  const resource = `arn:aws:logs:${LOCAL_REGION}:${LOCAL_ACCOUNT}:log-group:${logGroup}:log-stream:local`;
  try {
    for (const action of ['logs:CreateLogStream', 'logs:PutLogEvents']) role.demand({ action, resource });
    return true;
  } catch (error) {
    if (error instanceof AwsError) return false;
    throw error;
  }
}
