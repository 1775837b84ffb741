import { expect, it } from 'vitest';
import { createHandler as cancelHandler } from '../../functions/cancel/handler.ts';
import { createHandler as deliverHandler } from '../../functions/deliver/handler.ts';
import { createHandler as intakeHandler } from '../../functions/intake/handler.ts';
import { createHandler as pollHandler } from '../../functions/poll/handler.ts';
import { createHandler as submitHandler } from '../../functions/submit/handler.ts';
import { createInMemoryBatchApi } from '../fakes/in-memory-batch-api.ts';
import { createInMemoryLedger } from '../fakes/in-memory-ledger.ts';
import { createInMemoryRequestFiles } from '../fakes/in-memory-request-files.ts';
import { createInMemoryResults } from '../fakes/in-memory-results.ts';
import { createInMemoryScratch } from '../fakes/in-memory-scratch.ts';
import { ManualClock } from '../fakes/manual-clock.ts';
import { createRecordingBus } from '../fakes/recording-bus.ts';
import { createRecordingLog } from '../fakes/recording-log.ts';
import { createRecordingMetrics } from '../fakes/recording-metrics.ts';
import { createRecordingQueues } from '../fakes/recording-queues.ts';
import { createSeededIds } from '../fakes/seeded-ids.ts';

const MINUTE = 60_000;
const FILE = `${JSON.stringify({ custom_id: 'a', method: 'POST', url: '/v1/responses', body: { model: 'm' } })}\n`;

/** Every function over fakes; messages are delivered and minutes pass when told. */
function house() {
  const clock = new ManualClock();
  const queues = createRecordingQueues();
  const requestFiles = createInMemoryRequestFiles({ clock });
  const failure = [{ code: 'token_limit_exceeded', message: 'Later.', param: null, line: null }];
  const deps = {
    clock,
    queues,
    requestFiles,
    ledger: createInMemoryLedger({ clock }),
    results: createInMemoryResults(),
    scratch: createInMemoryScratch(),
    rerun: { maxAttempts: 1, rerunMissing: false },
    api: createInMemoryBatchApi({ clock, seed: 1, fate: () => ({ failure }) }),
    bus: createRecordingBus(),
    log: createRecordingLog(),
    metrics: createRecordingMetrics(),
    ids: createSeededIds(1),
    resultsBucket: 'results',
    requestBucket: 'requests',
    completionWindow: '24h',
    limits: { enqueuedTokens: {} },
    keepFiles: false,
  };
  const turn = () => ({ until: clock.now() + 10 * MINUTE, signal: new AbortController().signal });
  const serve = async () => {
    for (let messages = queues.take(); messages.length > 0; messages = queues.take()) {
      for (const message of messages) {
        const handler = {
          intake: intakeHandler,
          submit: submitHandler,
          deliver: deliverHandler,
          finish: deliverHandler,
        };
        await handler[message.to](deps)(JSON.stringify(message), turn());
      }
    }
  };
  return {
    deps,
    drop: async () => {
      const { versionId, size, etag } = requestFiles.put('requests', 'in.jsonl', FILE);
      return async () => {
        const object = { key: 'in.jsonl', size, etag, 'version-id': versionId };
        await intakeHandler(deps)(
          JSON.stringify({ detail: { bucket: { name: 'requests' }, object } }),
          turn(),
        );
        await serve();
      };
    },
    minutes: async (count: number) => {
      for (let minute = 0; minute < count; minute += 1) {
        clock.advance(MINUTE);
        await pollHandler(deps)(turn());
        await serve();
      }
    },
    cancel: (request: object) =>
      cancelHandler(deps)({ id: 'message', body: JSON.stringify(request), sentAt: clock.now() }),
    statuses: () =>
      deps.bus.published().map(({ detail }) => ('status' in detail.data ? detail.data.status : '')),
  };
}

it('a job that is cancelled while it waits for the token limit ends as cancelled, its rows too', async () => {
  const { deps, drop, minutes, cancel } = house();
  await (await drop())();
  await minutes(3);
  const [job] = deps.ledger.jobs();
  expect(deps.ledger.parts()[0]).toMatchObject({ willRetry: true });
  await cancel({ jobId: job?.jobId });
  await minutes(10);
  expect(deps.ledger.jobs()[0]).toMatchObject({ status: 'cancelled', rows: { total: 1, cancelled: 1 } });
  expect(deps.api.audit().creates).toHaveLength(1);
});

it('a file that is gone before it was read fails at once, and says why', async () => {
  const { deps, drop, statuses } = house();
  const arrive = await drop();
  const read = deps.requestFiles.read;
  deps.requestFiles.read = (file, range) => {
    deps.requestFiles.remove(file);
    return read(file, range);
  };
  await arrive();
  expect(deps.ledger.jobs()[0]).toMatchObject({ status: 'failed', reason: { code: 'object_gone' } });
  expect(statuses()).toEqual(['failed']);
});
