import type { AwsEvent } from '../aws/events/event.ts';
import { Authorizer, type Identity, refusalSentence } from '../aws/iam/authorizer.ts';
import { LOCAL_ACCOUNT, LOCAL_REGION } from '../aws/protocol/aws-service.ts';
import { type Endpoint, startEndpoint } from '../aws/protocol/endpoint.ts';
import type { VirtualClock } from '../clock.ts';
import type { FaultPlan } from '../openai/faults/faults.ts';
import { startBatchApi } from '../openai/server.ts';
import { readAssembly } from './assembly.ts';
import { refuseFaultyWiring } from './check-wiring.ts';
import type { DataDirectory } from './data-directory.ts';
import { describeStack } from './describe-stack.ts';
import { Engines, type Invocations } from './engines.ts';
import { Functions } from './functions.ts';
import { parseTemplate } from './parse-template.ts';
import { RUNTIME_ENDPOINTS_SECRET, type RuntimeEndpoints } from './runtime-endpoints.ts';
import { SavedClock } from './saved-clock.ts';
import type { StackPlan } from './stack-plan.ts';

/** The Batch API that the functions call: one on this machine, or a real one. */
export type BatchApiChoice =
  | {
      readonly kind: 'local';
      /** What goes wrong with it, drawn by `seed`; left out, nothing does. */
      readonly faults?: FaultPlan;
      readonly seed?: number;
    }
  | RealBatchApi;

/** Another machine's Batch API, which costs money. */
export interface RealBatchApi {
  readonly kind: 'real';
  readonly apiKey: string;
  /** `https://…/v1`. */
  readonly baseUrl: string;
  /** A file of certificates that the functions trust besides the usual ones. */
  readonly extraCaCerts?: string;
}

interface RuntimeOptions {
  /** Held by the caller, who releases it after `close`. */
  readonly data: DataDirectory;
  /** What `cdk synth` wrote. */
  readonly assemblyDirectory: string;
  readonly port: number;
  /** How many times as fast as the wall time passes while nothing computes. */
  readonly speed: number;
  readonly api: BatchApiChoice;
  /** Sees every event of the stack's buses, at least once, also those of an earlier run that nobody has seen yet. */
  readonly onEvent: (event: AwsEvent) => void;
  /** Told in one line each of invocations that failed and of events that did not arrive. */
  readonly onProblem: (problem: string) => void;
  /** Decides who may do what; one of the caller's own tells it of each decision. */
  readonly authorizer?: Authorizer;
  /** Awaited once the endpoint answers and before any function runs: the last moment to hold something back. */
  readonly beforeFunctions?: (endpoints: RuntimeEndpoints) => Promise<void>;
}

/** The stack at work on this machine. */
export interface Runtime {
  readonly endpoints: RuntimeEndpoints;
  readonly clock: VirtualClock;
  /** Ends every function process and every server; what was under way goes on at the next start. */
  close(): Promise<void>;
}

const LOCAL_API_KEY = 'sk-local';
const OBSERVER_ARN = `arn:aws:lambda:${LOCAL_REGION}:${LOCAL_ACCOUNT}:function:batchdrop-observer`;
const OBSERVER_RULE = 'batchdrop-observer';

/** Runs an assembly over the engines. Throws a sentence that says what to do when it cannot start. */
export async function startRuntime(options: RuntimeOptions): Promise<Runtime> {
  const closing = new Closing();
  try {
    return await start(options, closing);
  } catch (cause) {
    await closing.close();
    throw cause;
  }
}

async function start(options: RuntimeOptions, closing: Closing): Promise<Runtime> {
  const { data, onProblem } = options;
  const { clock } = closing.add(new SavedClock(data, options.speed));
  const authorizer = options.authorizer ?? new Authorizer();

  // The functions need the endpoint's address and the engines need the functions, so these are looked up late.
  let functions: Functions | undefined;
  const invocations = invocationsOf(
    options,
    authorizer,
    () => functions ?? fail('the functions are not ready'),
  );
  const engines = closing.add(
    new Engines({ directory: data.subdirectory('aws'), clock, invocations, authorizer }),
  );
  const endpoint = closing.add(
    await startEndpoint({
      services: engines.all,
      port: options.port,
      callerWith: (accessKeyId) => authorizer.callerWith(accessKeyId),
      functionNow: () => clock.now(),
    }),
  );
  const openAiUrl = await openApi(options, clock, closing);

  const assembly = readAssembly(options.assemblyDirectory);
  const plan = parseTemplate(assembly, endpoint.url);
  authorizer.enforce(plan.policies, identitiesOf(plan), (arn) => engines.sqs.queues.policyOf(arn));
  refuseFaultyWiring(plan, authorizer);
  authorizer.listen((decision) => {
    if (decision.verdict !== 'allowed') onProblem(refusalSentence(decision));
  });
  await engines.apply(plan);
  for (const bus of plan.buses) observe(engines, bus);
  putApiKeys(engines, plan, options.api);
  functions = new Functions(plan, {
    clock,
    authorizer,
    queues: engines.sqs.queues,
    endpointUrl: endpoint.url,
    logDirectory: data.subdirectory('logs'),
    onProblem,
    environment: { OPENAI_BASE_URL: openAiUrl },
    processEnvironment: trustOf(options.api),
  });
  const running = functions;
  closing.add({ close: () => running.stop() });
  await running.initialize();
  const endpoints = whereaboutsOf(endpoint, openAiUrl, plan.outputs);
  await options.beforeFunctions?.(endpoints);
  await engines.start(plan);
  functions.start();
  engines.cloudFormation.add(describeStack(assembly.template, endpoint.url));

  engines.secrets.putSecret(RUNTIME_ENDPOINTS_SECRET, JSON.stringify(endpoints));
  data.announce(endpoints);
  return { endpoints, clock, close: () => closing.close() };
}

/** How the engines invoke functions: a rule with the leave of its resource policy, and ours for the observer. */
function invocationsOf(
  { onEvent, onProblem }: RuntimeOptions,
  authorizer: Authorizer,
  functions: () => Functions,
): Invocations {
  return {
    invoke: async (arn, event, ruleArn) => {
      if (arn === OBSERVER_ARN) return onEvent(asEvent(event));
      const need = { action: 'lambda:InvokeFunction', resource: arn };
      authorizer.service('events.amazonaws.com', ruleArn).demand(need);
      await functions().invoke(arn, event);
    },
    invokeLater: (arn, event) => functions().invokeLater(arn, event),
    report: onProblem,
  };
}

/** The secret that a function is told of holds the key. */
function putApiKeys(engines: Engines, { functions }: StackPlan, api: BatchApiChoice): void {
  for (const { environment } of functions) {
    const secret = environment.OPENAI_SECRET_ID;
    if (secret !== undefined) engines.secrets.putSecret(secret, apiKeyOf(api));
  }
}

/** Answers the base URL of the API the functions are to call. */
async function openApi(options: RuntimeOptions, clock: VirtualClock, closing: Closing): Promise<string> {
  if (options.api.kind === 'real') return options.api.baseUrl;
  const { kind: _, ...faults } = options.api;
  const directory = options.data.subdirectory('openai');
  const server = closing.add(await startBatchApi({ ...faults, directory, clock, timing: { finalizing } }));
  return server.url;
}

/** Two minutes and more, as the poller looks once a minute: whoever watches sees every status. */
function finalizing({ random }: { random: () => number }): number {
  return 120_000 + Math.round(random() * 30_000);
}

function apiKeyOf(api: BatchApiChoice): string {
  return api.kind === 'real' ? api.apiKey : LOCAL_API_KEY;
}

/** Read by Node when a process starts. */
function trustOf(api: BatchApiChoice): Record<string, string> {
  return api.kind === 'real' && api.extraCaCerts !== undefined
    ? { NODE_EXTRA_CA_CERTS: api.extraCaCerts }
    : {};
}

/** Each function signs with a key of its own, by which the endpoint knows its role. */
export function identitiesOf({ functions }: StackPlan): Identity[] {
  return functions.map(({ accessKeyId, roleArn, name }) => ({ accessKeyId, roleArn, sessionName: name }));
}

function observe(engines: Engines, bus: string): void {
  const { rules } = engines.events;
  // Whatever has an account, which is every event.
  rules.putRule({ bus, name: OBSERVER_RULE, pattern: { account: [LOCAL_ACCOUNT] }, enabled: true });
  rules.putTargets(bus, OBSERVER_RULE, [{ Id: 'observer', Arn: OBSERVER_ARN }]);
}

function whereaboutsOf(
  endpoint: Endpoint,
  openAiUrl: string,
  outputs: Record<string, string>,
): RuntimeEndpoints {
  const output = (name: string) => outputs[name] ?? fail(`the stack has no output ${name}`);
  return {
    url: endpoint.url,
    pid: process.pid,
    openAiUrl,
    requestBucket: output('RequestBucket'),
    resultsBucket: output('ResultsBucket'),
    cancelQueueUrl: output('CancelQueueUrl'),
    eventBus: output('EventBus'),
    instance: output('Instance'),
    ledgerTable: output('LedgerTable'),
  };
}

/** Closes what was opened, last first, once. */
class Closing {
  readonly #opened: { close(): void | Promise<void> }[] = [];

  add<T extends { close(): void | Promise<void> }>(opened: T): T {
    this.#opened.push(opened);
    return opened;
  }

  async close(): Promise<void> {
    for (const opened of this.#opened.splice(0).reverse()) await opened.close();
  }
}

function asEvent(event: unknown): AwsEvent {
  return Object(event);
}

function fail(problem: string): never {
  throw new Error(problem);
}
