import type { Context } from 'aws-lambda';
import { createDynamoDbCallbacks } from '../shared/adapters/dynamodb/callbacks.ts';
import { createTableCalls } from '../shared/adapters/lambda/compose-table-calls.ts';
import { readEnvironment } from '../shared/adapters/lambda/environment.ts';
import { deadlineOf } from '../shared/adapters/lambda/invocation-deadline.ts';
import { createJsonLog } from '../shared/adapters/lambda/json-log.ts';
import { lateCopies, loadedOnce } from '../shared/adapters/lambda/late-ports.ts';
import { systemClock } from '../shared/adapters/lambda/system-clock.ts';
import type { StartEnv } from './env.ts';
import { createHandler } from './handler.ts';

const env = readEnvironment<StartEnv>({
  LEDGER_TABLE: true,
  REQUEST_BUCKET: true,
  REQUEST_PREFIX: 'optional',
  BUCKET_OWNER: true,
});

const handle = createHandler({
  callbacks: createDynamoDbCallbacks({
    calls: createTableCalls(),
    tableName: env.LEDGER_TABLE,
    clock: systemClock,
  }),
  copies: lateCopies(
    loadedOnce(async () =>
      (await import('../shared/adapters/s3/open-copies.ts')).openCopies(env.BUCKET_OWNER),
    ),
  ),
  clock: systemClock,
  log: createJsonLog('start'),
  requestBucket: env.REQUEST_BUCKET,
  requestPrefix: env.REQUEST_PREFIX ?? '',
});

export const handler = (input: unknown, context: Context): Promise<void> =>
  handle(input, deadlineOf(context, systemClock));
