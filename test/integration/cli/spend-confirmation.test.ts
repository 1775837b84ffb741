import { expect, it } from 'vitest';
import { connectionTo } from '../../../bin/connection/connection.ts';
import { SpendConfirmation } from '../../../bin/up/spend-confirmation.ts';
import { DETAIL_TYPE, EVENT_SOURCE } from '../../../functions/shared/contract/events.ts';
import { fileOf, SmallWorld } from '../../unit/small-world.ts';

it('asks about a job that an event names although the index does not show it at that moment', async () => {
  const world = new SmallWorld();
  const jobId = await world.drop('a.jsonl', fileOf('r1', 'r2'));
  const unreachable = connectionTo({
    ...{ url: 'http://127.0.0.1:9', requestBucket: 'requests', resultsBucket: 'results', cancelQueueUrl: '' },
    ...{ eventBus: '', instance: '', ledgerTable: 'ledger' },
  });
  const queries = { ...unreachable.queries, openJobs: async () => [] };
  const connection = { ...unreachable, ledger: world.ledger, queries };
  const asked: string[] = [];
  const confirmation = new SpendConfirmation(connection, {
    api: 'https://api.example.com/v1',
    ask: async (question) => {
      asked.push(question);
      return true;
    },
    print: () => {},
    stopped: new AbortController().signal,
  });
  await confirmation.pause();
  confirmation.notice({
    source: EVENT_SOURCE,
    'detail-type': DETAIL_TYPE.jobStatusChange,
    detail: { metadata: { jobId }, data: { status: 'accepted' } },
  });
  await confirmation.review();
  unreachable.close();
  expect(asked).toEqual([expect.stringContaining('Send 2 rows')]);
});
