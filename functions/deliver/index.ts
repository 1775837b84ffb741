import { createBatchApi } from '../shared/adapters/lambda/compose-batch-api.ts';
import { createBuckets } from '../shared/adapters/lambda/compose-buckets.ts';
import { createPriceList } from '../shared/adapters/lambda/compose-price-list.ts';
import { createBasics } from '../shared/adapters/lambda/composition.ts';
import { createDiskScratch } from '../shared/adapters/lambda/disk-scratch.ts';
import { readEnvironment } from '../shared/adapters/lambda/environment.ts';
import { deadlineOf } from '../shared/adapters/lambda/invocation-deadline.ts';
import { createQueueHandler } from '../shared/adapters/lambda/queue-handler.ts';
import { createRandomIds } from '../shared/adapters/lambda/random-ids.ts';
import { NO_QUEUES } from '../shared/adapters/sqs/no-queues.ts';
import type { DeliverEnv } from './env.ts';
import { createHandler } from './handler.ts';

const env = readEnvironment<DeliverEnv>({
  INSTANCE: true,
  LEDGER_TABLE: true,
  EVENT_BUS_ARN: true,
  RESULTS_BUCKET: true,
  RESULTS_PREFIX: 'optional',
  BUCKET_OWNER: true,
  OPENAI_SECRET_ID: true,
  OPENAI_BASE_URL: true,
  KEEP_OPENAI_FILES: true,
  MAX_ATTEMPTS: true,
  RERUN_MISSING: true,
  PRICES: 'optional',
  FLAT_RESULTS: 'optional',
});
const TABLE_PIECE = 16 * 1024 * 1024; // with its text, some 50 MB of the function's 512

const basics = createBasics('deliver', env);

const handle = createHandler({
  ...basics,
  queues: NO_QUEUES,
  ...createBuckets(env),
  scratch: createDiskScratch(),
  api: createBatchApi(env),
  keepFiles: env.KEEP_OPENAI_FILES === 'yes',
  rerun: { maxAttempts: Number(env.MAX_ATTEMPTS), rerunMissing: env.RERUN_MISSING === 'yes' },
  prices: createPriceList(env.PRICES),
  tables: { always: env.FLAT_RESULTS === 'yes', pieceBytes: TABLE_PIECE },
  ids: createRandomIds(),
});

export const handler = createQueueHandler(basics, ({ body }, context) =>
  handle(body, deadlineOf(context, basics.clock)),
);
