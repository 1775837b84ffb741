import { createDynamoDbCallbacks } from '../shared/adapters/dynamodb/callbacks.ts';
import { createDynamoDbLedger } from '../shared/adapters/dynamodb/ledger.ts';
import { createTableCalls } from '../shared/adapters/lambda/compose-table-calls.ts';
import { createEmfMetrics } from '../shared/adapters/lambda/emf-metrics.ts';
import { readEnvironment } from '../shared/adapters/lambda/environment.ts';
import { createJsonLog } from '../shared/adapters/lambda/json-log.ts';
import { lateTasks, loadedOnce } from '../shared/adapters/lambda/late-ports.ts';
import { createQueueHandler } from '../shared/adapters/lambda/queue-handler.ts';
import { systemClock } from '../shared/adapters/lambda/system-clock.ts';
import { READS, tracedIfAsked } from '../shared/adapters/lambda/traced.ts';
import type { AnswerEnv } from './env.ts';
import { createHandler } from './handler.ts';

const env = readEnvironment<AnswerEnv>({
  INSTANCE: true,
  LEDGER_TABLE: true,
  RESULTS_BUCKET: true,
  RESULTS_PREFIX: 'optional',
});
const table = {
  calls: createTableCalls(),
  tableName: env.LEDGER_TABLE,
  clock: systemClock,
};
const basics = tracedIfAsked(
  {
    ledger: createDynamoDbLedger(table),
    log: createJsonLog('answer'),
    metrics: createEmfMetrics({ service: env.INSTANCE }),
  },
  READS,
);

const handle = createHandler({
  ...basics,
  callbacks: createDynamoDbCallbacks(table),
  tasks: lateTasks(
    loadedOnce(async () => (await import('../shared/adapters/stepfunctions/open-tasks.ts')).openTasks()),
  ),
  clock: systemClock,
  instance: env.INSTANCE,
  resultsBucket: env.RESULTS_BUCKET,
  ...(env.RESULTS_PREFIX === undefined ? {} : { resultsPrefix: env.RESULTS_PREFIX }),
});

export const handler = createQueueHandler(basics, ({ body }) => handle(body));
