import { EVENT_SOURCE } from '../../functions/shared/contract/events.ts';
import type { AwsEvent } from '../aws/events/event.ts';
import { Authorizer, type Identity, refusalSentence } from '../aws/iam/authorizer.ts';
import type { Credentials } from '../aws/iam/signature.ts';
import { LOCAL_ACCOUNT, LOCAL_REGION } from '../aws/protocol/aws-service.ts';
import { type Endpoint, startEndpoint } from '../aws/protocol/endpoint.ts';
import type { VirtualClock } from '../clock.ts';
import { FunctionUrls } from '../lambda/function-urls.ts';
import type { AppOptions } from './app-options.ts';
import {
  type BatchApiChoice,
  certificateVariables,
  openBatchApi,
  putApiKeys,
  putSigningSecrets,
} from './batch-api.ts';
import { checkWiring } from './check-wiring.ts';
import type { DataDirectory } from './data-directory.ts';
import { Engines, type Invocations } from './engines.ts';
import { Functions } from './functions.ts';
import { RUNTIME_ENDPOINTS_SECRET, type RuntimeEndpoints } from './runtime-endpoints.ts';
import { SavedClock } from './saved-clock.ts';
import { readAssembly } from './template/assembly.ts';
import type { Batchdrop } from './template/batchdrops.ts';
import { parseTemplate } from './template/parse-template.ts';
import type { AppPlan, FunctionPlan, StackPlan } from './template/stack-plan.ts';

interface RuntimeOptions {
  /** Locked by the caller, who unlocks it after `close`. */
  readonly data: DataDirectory;
  /** The output of `cdk synth`. */
  readonly assemblyDirectory: string;
  /** Set for the app of somebody else. */
  readonly app?: AppOptions;
  readonly port: number;
  /** How much faster than wall time the clock runs while nothing computes. */
  readonly speed: number;
  readonly api: BatchApiChoice;
  /** The credentials with which every call to the endpoint must be signed. By default, any will do. */
  readonly owner?: Credentials;
  /** Receives every event of the stack's buses at least once, including undelivered ones of an earlier run. */
  readonly onEvent: (event: AwsEvent) => void;
  /** Called with one line for each failed invocation and each undelivered event. */
  readonly onProblem: (problem: string) => void;
  /** Decides about permissions. A caller can pass its own to follow each decision. */
  readonly authorizer?: Authorizer;
  /** Awaited once the endpoint responds, before any function runs. */
  readonly beforeFunctions?: (endpoints: RuntimeEndpoints) => Promise<void>;
}

/** A running stack on this machine. */
export interface Runtime {
  readonly endpoints: RuntimeEndpoints;
  readonly clock: VirtualClock;
  /** Ends every function process and every server. Unfinished work continues at the next start. */
  close(): Promise<void>;
}

const OBSERVER_ARN = `arn:aws:lambda:${LOCAL_REGION}:${LOCAL_ACCOUNT}:function:batchdrop-observer`;
const OBSERVER_RULE = 'batchdrop-observer';

/** Runs an assembly on the local services. Throws an Error that says what to do if it cannot start. */
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

  // The functions need the endpoint's address, and the engines need the functions, so this reference is resolved late.
  let functions: Functions | undefined;
  const invocations = invocationsOf(
    options,
    authorizer,
    () => functions ?? fail('the functions are not ready'),
  );
  const engines = closing.add(
    new Engines({ directory: data.subdirectory('aws'), clock, invocations, authorizer }),
  );
  const publicUrls = new FunctionUrls();
  const endpoint = closing.add(
    await startEndpoint({
      publicUrls,
      services: engines.all,
      port: options.port,
      identities: authorizer,
      ...(options.owner !== undefined && { owner: options.owner }),
      functionNow: () => clock.now(),
    }),
  );
  const api = closing.add(await openBatchApi(options, clock));

  const assembly = readAssembly(options.assemblyDirectory, {
    only: options.app?.only,
    ...(options.app && { notes: data.subdirectory('app-notes') }),
  });
  const plan = parseTemplate(assembly, endpoint.url);
  authorizer.enforce(plan.policies, identitiesOf(plan), (arn) => engines.sqs.queues.policyOf(arn));
  checkWiring(plan, authorizer);
  authorizer.listen((decision) => {
    if (decision.verdict !== 'allowed') onProblem(refusalSentence(decision));
  });
  await engines.apply(plan);
  for (const bus of observedBuses(plan)) observe(engines, bus);
  for (const { name, value } of plan.secrets) engines.secrets.putSecret(name, value);
  putApiKeys(engines, plan, options.api);
  putSigningSecrets(engines, plan, api);
  functions = new Functions(plan, {
    clock,
    authorizer,
    queues: engines.sqs.queues,
    endpointUrl: endpoint.url,
    logDirectory: data.subdirectory('logs'),
    onProblem,
    environment: { OPENAI_BASE_URL: api.url },
    ...(options.app && { app: options.app }),
    processEnvironment: certificateVariables(options.api),
  });
  const running = functions;
  closing.add({ close: () => running.stop() });
  if (!assembly.isKnownToLoad()) {
    await running.initialize();
    assembly.rememberThatItLoads();
  }
  const endpoints = endpointsOf(endpoint, api.url, plan.batchdrops);
  await options.beforeFunctions?.(endpoints);
  await engines.start(plan);
  functions.start();
  publicUrls.serve(functionsWithUrl(plan), {
    invoke: (arn, event) => running.invoke(arn, event),
    anybody: authorizer.throughUrl(),
    now: () => clock.now(),
  });
  for (const stack of plan.stacks) engines.cloudFormation.add(stack);

  engines.secrets.putSecret(RUNTIME_ENDPOINTS_SECRET, JSON.stringify(endpoints));
  data.announce(endpoints);
  return { endpoints, clock, close: () => closing.close() };
}

/**
 * Returns how the engines invoke functions. For a rule, its resource policy is checked, except for the observer's rule.
 */
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

function functionsWithUrl({ functions, urls }: StackPlan): FunctionPlan[] {
  return functions.filter(({ arn }) => urls.some(({ functionArn }) => functionArn === arn));
}

/** Each function signs with its own key, which identifies its role to the endpoint. */
export function identitiesOf({ functions }: StackPlan): Identity[] {
  return functions.map(({ accessKeyId, roleArn, name }) => ({ accessKeyId, roleArn, sessionName: name }));
}

/** The buses of the app, and those that its Batchdrops publish to. */
function observedBuses({ buses, batchdrops }: AppPlan): Set<string> {
  return new Set([...buses, ...batchdrops.map(({ eventBus }) => eventBus)]);
}

function observe(engines: Engines, bus: string): void {
  const { rules } = engines.events;
  // Every event has an account. On the default bus, AWS publishes events as well.
  const pattern = bus === 'default' ? { source: [EVENT_SOURCE] } : { account: [LOCAL_ACCOUNT] };
  rules.putRule({ bus, name: OBSERVER_RULE, pattern, enabled: true });
  rules.putTargets(bus, OBSERVER_RULE, [{ Id: 'observer', Arn: OBSERVER_ARN }]);
}

function endpointsOf(
  { url }: Endpoint,
  openAiUrl: string,
  batchdrops: readonly Batchdrop[],
): RuntimeEndpoints {
  const first = batchdrops[0] ?? fail('the app contains no Batchdrop, so that there is nothing to run');
  return { ...first, url, pid: process.pid, openAiUrl, batchdrops };
}

/** Closes what was opened, in reverse order, once. */
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
