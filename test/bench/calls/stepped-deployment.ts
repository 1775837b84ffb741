import { join } from 'node:path';
import { type Connection, connectionTo } from '../../../bin/connection/connection.ts';
import { BUNDLES, synthesizedStack } from '../../../bin/up/synthesis.ts';
import type { FunctionName } from '../../../lib/stages/function-bundles.ts';
import { Authorizer } from '../../../local/aws/iam/authorizer.ts';
import { type Endpoint, startEndpoint } from '../../../local/aws/protocol/endpoint.ts';
import { startBatchApi } from '../../../local/openai/server.ts';
import { Engines } from '../../../local/runtime/engines.ts';
import { identitiesOf } from '../../../local/runtime/runtime.ts';
import { readAssembly } from '../../../local/runtime/template/assembly.ts';
import type { Batchdrop } from '../../../local/runtime/template/batchdrops.ts';
import { parseTemplate } from '../../../local/runtime/template/parse-template.ts';
import type { StackPlan } from '../../../local/runtime/template/stack-plan.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';
import { type Exchange, startCountingProxy } from './counting-proxy.ts';
import { SteppedFunctions } from './stepped-functions.ts';

/** Receives each call of a function before the function has the response. */
type CallListener = (by: FunctionName, to: 'aws' | 'batch-api', exchange: Exchange) => void;

/** The stack on this machine. No function runs until a caller invokes it. */
export interface SteppedDeployment {
  readonly clock: ManualClock;
  readonly plan: StackPlan;
  readonly engines: Engines;
  readonly functions: SteppedFunctions;
  /** A connection without the proxies: its calls are not counted. */
  readonly connection: Connection;
  readonly batchApiUrl: string;
  /** Milliseconds of the clock that the next status of a batch lasts. */
  readonly pace: { statusMs: number };
  close(): Promise<void>;
}

/**
 * Deploys the synthesized stack to the local AWS services, on a clock that only the caller advances. Functions reach AWS and
 * the Batch API through proxies, which report each call to the listener.
 */
export async function deployStepped(directory: string, onCall: CallListener): Promise<SteppedDeployment> {
  const assembly = await synthesizedStack();
  const clock = new ManualClock();
  const { engines, endpoint, authorizer } = await startAws(`${directory}/aws`, clock);
  const pace = { statusMs: 0 };
  const statusMs = () => pace.statusMs;
  const timing = { validating: statusMs, inProgress: statusMs, finalizing: statusMs };
  const batchApi = await startBatchApi({ directory: `${directory}/openai`, clock, timing });
  const awsProxy = await startCountingProxy(endpoint.url, (call) => onCall(functions.running, 'aws', call));
  const apiProxy = await startCountingProxy(batchApi.url, (call) =>
    onCall(functions.running, 'batch-api', call),
  );
  const plan = parseTemplate(readAssembly(assembly), awsProxy.url);
  authorizer.enforce(plan.policies, identitiesOf(plan), (arn) => engines.sqs.queues.policyOf(arn));
  await engines.apply(plan);
  await engines.start({ ...plan, schedules: [] }); // the caller invokes POLL
  for (const { environment } of plan.functions)
    if (environment.OPENAI_SECRET_ID) engines.secrets.putSecret(environment.OPENAI_SECRET_ID, 'sk-bench');
  const functions = new SteppedFunctions(plan.functions, {
    clock,
    authorizer,
    endpointUrl: awsProxy.url,
    openAiUrl: `${apiProxy.url}/v1`,
    bundles: join(assembly, BUNDLES),
    logDirectory: `${directory}/logs`,
  });
  const connection = connectionAt(endpoint, plan.batchdrops);
  return {
    clock,
    plan,
    engines,
    functions,
    connection,
    batchApiUrl: batchApi.url,
    pace,
    async close() {
      await functions.close();
      connection.close();
      awsProxy.close();
      apiProxy.close();
      await endpoint.close();
      await batchApi.close();
      await engines.close();
    },
  };
}

async function startAws(directory: string, clock: ManualClock) {
  const authorizer = new Authorizer();
  const invocations = { invoke: failUninvoked, invokeLater: failUninvoked, report: failUninvoked };
  const engines = new Engines({ directory, clock, invocations, authorizer });
  const endpoint = await startEndpoint({
    services: engines.all,
    port: 0,
    identities: authorizer,
    functionNow: () => clock.now(),
  });
  return { engines, endpoint, authorizer };
}

function failUninvoked(what: string): never {
  throw new Error(`an invocation that no caller started: ${what}`);
}

function connectionAt({ url }: Endpoint, [batchdrop]: readonly Batchdrop[]): Connection {
  if (batchdrop === undefined) throw new Error('the stack contains no Batchdrop');
  return connectionTo({ ...batchdrop, url });
}
