import {
  type FunctionConfiguration,
  GetEventSourceMappingCommand,
  GetFunctionConcurrencyCommand,
  GetFunctionConfigurationCommand,
  LambdaClient,
} from '@aws-sdk/client-lambda';
import { clientConfigAt, type Target } from '../../connection/target.ts';
import { failed, ok, type Verdict } from '../finding.ts';
import { functionOf, mappingOf, type Subject, WORKERS, type Worker } from './subject.ts';

const IDLE = 'Idle'; // a function in a VPC that nobody called for weeks; the next call starts it
const FEEDS = new Set(['Enabled', 'Enabling', 'Creating', 'Updating']);

/** Checks that Lambda can run every function, and that none is limited to 0 invocations. */
export async function functionsRun(subject: Subject): Promise<Verdict> {
  const problems = await problemsOf(subject, problemOfFunction);
  const [first] = problems;
  if (first !== undefined) return first;
  return ok(`${WORKERS.filter((worker) => functionOf(subject, worker)).length} can run`);
}

/** Checks that the queues feed their functions. */
export async function queuesFeed(subject: Subject): Promise<Verdict> {
  const problems = await problemsOf(subject, problemOfMapping);
  const [first, ...others] = problems;
  if (first === undefined)
    return ok(`${WORKERS.filter((worker) => mappingOf(subject, worker)).length} queues feed their functions`);
  return failed(
    [first, ...others].map(({ found }) => found).join('; '),
    [first, ...others].map(({ advice = '' }) => advice).join(' && '),
  );
}

/** Returns the configuration of a function. Errors: those of Lambda. */
export function configurationOf(lambda: LambdaClient, FunctionName: string): Promise<FunctionConfiguration> {
  return lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
}

/** Runs `work` with a client of Lambda. */
export async function withLambda<T>(target: Target, work: (lambda: LambdaClient) => Promise<T>): Promise<T> {
  const lambda = new LambdaClient(clientConfigAt(target));
  try {
    return await work(lambda);
  } finally {
    lambda.destroy();
  }
}

type Problem = (lambda: LambdaClient, subject: Subject, worker: Worker) => Promise<Verdict | undefined>;

function problemsOf(subject: Subject, problemOf: Problem): Promise<Verdict[]> {
  return withLambda(subject.connection.target, async (lambda) => {
    const found = await Promise.all(WORKERS.map((worker) => problemOf(lambda, subject, worker)));
    return found.filter((problem) => problem !== undefined);
  });
}

async function problemOfFunction(
  lambda: LambdaClient,
  subject: Subject,
  worker: Worker,
): Promise<Verdict | undefined> {
  const name = functionOf(subject, worker);
  if (name === undefined) return undefined;
  const { State, StateReason, StateReasonCode } = await configurationOf(lambda, name);
  if ((State === 'Inactive' && StateReasonCode !== IDLE) || State === 'Failed')
    return failed(
      `${worker.name} cannot run: ${StateReason ?? State} (${StateReasonCode ?? 'no code'})`,
      `Fix what Lambda names, then: aws lambda invoke --function-name ${name} --payload '{}' /dev/null`,
    );
  const { ReservedConcurrentExecutions } = await lambda.send(
    new GetFunctionConcurrencyCommand({ FunctionName: name }),
  );
  if (ReservedConcurrentExecutions !== 0) return undefined;
  return failed(
    `the reserved concurrency of ${worker.name} is 0, so it never runs`,
    `aws lambda delete-function-concurrency --function-name ${name}`,
  );
}

async function problemOfMapping(
  lambda: LambdaClient,
  subject: Subject,
  worker: Worker,
): Promise<Verdict | undefined> {
  const UUID = mappingOf(subject, worker);
  if (UUID === undefined) return undefined;
  const { State = 'Unknown', LastProcessingResult = '' } = await lambda.send(
    new GetEventSourceMappingCommand({ UUID }),
  );
  if (!FEEDS.has(State))
    return failed(
      `the event source of ${worker.name} is ${State}, so its messages wait`,
      `aws lambda update-event-source-mapping --uuid ${UUID} --enabled`,
    );
  if (!LastProcessingResult.startsWith('PROBLEM')) return undefined;
  return failed(
    `the event source of ${worker.name} reports "${LastProcessingResult}"`,
    `aws lambda get-event-source-mapping --uuid ${UUID}`,
  );
}
