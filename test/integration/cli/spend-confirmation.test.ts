import { expect, it, onTestFinished, vi } from 'vitest';
import { connectionTo } from '../../../bin/connection/connection.ts';
import { SpendConfirmation } from '../../../bin/up/spend-confirmation.ts';
import { DETAIL_TYPE, EVENT_SOURCE } from '../../../functions/shared/contract/events.ts';
import type { Job } from '../../../functions/shared/domain/job.ts';
import { fileOf, row, SmallWorld } from '../../unit/small-world.ts';

/** Returns a confirmation, and its questions. Its index shows these jobs only until the functions run. */
async function confirmationOf(world: SmallWorld, earlier: Job[] = []) {
  const unreachable = connectionTo({
    ...{ url: 'http://127.0.0.1:9', requestBucket: 'requests', resultsBucket: 'results', cancelQueueUrl: '' },
    ...{ eventBus: '', instance: '', ledgerTable: 'ledger' },
  });
  onTestFinished(() => unreachable.close());
  let shown = earlier;
  const queries = { ...unreachable.queries, openJobs: async () => shown };
  const asked: string[] = [];
  const printed: string[] = [];
  const confirmation = new SpendConfirmation(
    { ...unreachable, ledger: world.ledger, queries },
    {
      api: 'https://api.example.com/v1',
      ask: async (question) => {
        asked.push(question);
        return true;
      },
      print: (line) => void printed.push(line),
      stopped: new AbortController().signal,
    },
  );
  await confirmation.pause();
  shown = [];
  const show = (jobs: Job[] | Error) => {
    queries.openJobs = () => (jobs instanceof Error ? Promise.reject(jobs) : Promise.resolve(jobs));
  };
  return { confirmation, asked, printed, show };
}

it('asks about a job that an event names although the index does not show it at that moment', async () => {
  const world = new SmallWorld();
  const jobId = await world.drop('a.jsonl', fileOf('r1', 'r2'));
  const { confirmation, asked } = await confirmationOf(world);
  confirmation.notice({
    source: EVENT_SOURCE,
    'detail-type': DETAIL_TYPE.jobStatusChange,
    detail: { metadata: { jobId }, data: { status: 'accepted' } },
  });
  await confirmation.review();
  expect(asked).toEqual([expect.stringContaining('Send 2 rows')]);
  expect(asked[0]).toMatch(
    /\nThis costs money: about \$[\d.]+ \(\$[\d.]+ or more: .*\) for the files above\.\n\[y/,
  );
});

it('does not say what files cost if the price of one is not known', async () => {
  const world = new SmallWorld();
  const [priced, unpriced] = [
    await world.drop('a.jsonl', fileOf('r1')),
    await world.drop('b.jsonl', `${row('r2', { body: { model: 'own-model', messages: [] } })}\n`),
  ];
  const { confirmation, asked, printed } = await confirmationOf(world, [
    world.job(priced),
    world.job(unpriced),
  ]);
  await confirmation.review();
  expect(asked).toEqual([expect.stringMatching(/\nThis costs money\.\n\[y/)]);
  expect(printed.join('\n')).toMatch(
    /estimate: no price is known for own-model; \d+ input and 300 output tokens/,
  );
});

it('asks about a job of an earlier run although the index does not show it while POLL changes it', async () => {
  const world = new SmallWorld();
  const jobId = await world.drop('a.jsonl', fileOf('r1', 'r2'));
  const { confirmation, asked } = await confirmationOf(world, [world.job(jobId)]);
  await confirmation.review();
  expect(asked).toEqual([expect.stringContaining('Send 2 rows')]);
});

it.each([
  ['showed nothing', []],
  ['could not be read', new Error('no response in time')],
])('checks again by itself after the index %s, because no more events may come', async (_, first) => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const world = new SmallWorld();
  const { confirmation, asked, show } = await confirmationOf(world);
  const jobId = await world.drop('a.jsonl', fileOf('r1', 'r2'));
  show(first);
  await confirmation.review();
  show([world.job(jobId)]);
  await vi.advanceTimersByTimeAsync(4_999);
  expect(asked).toEqual([]);
  await vi.advanceTimersByTimeAsync(2);
  expect(asked).toEqual([expect.stringContaining('Send 2 rows')]);
});
