import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { RetryableError } from '../../../functions/shared/domain/errors.ts';
import { jobStatusChange } from '../../../functions/shared/lifecycle/status-events.ts';
import type { BatchBehavior } from '../../fakes/simulated-batch.ts';
import { fileOf, HOUR, row, SmallWorld, withMethods } from '../small-world.ts';

const ids = (world: SmallWorld, end: string) => world.lines(end).map((line) => line.custom_id);
const summaryOf = (world: SmallWorld) => {
  const [, found] = [...world.results.objects()].find(([key]) => key.endsWith('/summary.json')) ?? [];
  return JSON.parse(Buffer.from(found?.body ?? '{}').toString());
};

const checksum = (text: string) => crc32(text).toString(16).padStart(8, '0');

/** These rows fail with this status code in the given batches, counted from 1, and succeed in all others. */
function failing(statusCode: number, customIds: string[], inBatches: number[]) {
  return {
    fate: ({ nth }: { nth: number }): BatchBehavior => ({
      row: (customId) =>
        inBatches.includes(nth) && customIds.includes(customId) ? { statusCode } : 'succeeded',
    }),
  };
}

describe('rows that failed with a temporary error', () => {
  it('run again in their own batch, and the results are in the order of the file', async () => {
    const world = new SmallWorld(failing(503, ['r2', 'r4'], [1]));
    const jobId = await world.drop('a.jsonl', fileOf('r1', 'r2', 'r3', 'r4', 'r5'));
    await world.rest();
    expect(ids(world, 'output.jsonl')).toEqual(['r1', 'r2', 'r3', 'r4', 'r5']);
    expect(ids(world, 'errors.jsonl')).toEqual([]);
    expect(world.job(jobId)).toMatchObject({ status: 'completed', rows: { total: 5, succeeded: 5 } });
    const { uploads, creates, billed } = world.api.audit();
    expect(creates).toHaveLength(2);
    expect(uploads[1]?.bytes).toBe(Buffer.byteLength(fileOf('r2', 'r4')));
    expect(summaryOf(world).parts[0].batches).toMatchObject([
      { uploadedCrc32: checksum(fileOf('r1', 'r2', 'r3', 'r4', 'r5')) },
      { uploadedCrc32: checksum(fileOf('r2', 'r4')) },
    ]);
    expect(billed.map(({ customId }) => customId).toSorted()).toEqual(['r1', 'r2', 'r3', 'r4', 'r5']);
  });

  it('run in at most three batches, and end with their last error and the number of attempts', async () => {
    const world = new SmallWorld(failing(429, ['r2'], [1, 2, 3, 4]));
    const jobId = await world.drop('a.jsonl', fileOf('r1', 'r2', 'r3'));
    await world.rest();
    expect(world.api.audit().creates).toHaveLength(3);
    expect(ids(world, 'output.jsonl')).toEqual(['r1', 'r3']);
    expect(world.lines('errors.jsonl')).toMatchObject([
      { custom_id: 'r2', response: { status_code: 429 }, attempts: 3 },
    ]);
    expect(world.job(jobId)).toMatchObject({
      status: 'completed',
      rows: { total: 3, succeeded: 2, failed: 1 },
    });
  });

  it('do not run again with maxAttempts 1', async () => {
    const world = new SmallWorld({ ...failing(500, ['r2'], [1]), rerun: { maxAttempts: 1 } });
    await world.drop('a.jsonl', fileOf('r1', 'r2'));
    await world.rest();
    expect(world.api.audit().creates).toHaveLength(1);
    expect(world.lines('errors.jsonl')).toMatchObject([{ custom_id: 'r2', attempts: 1 }]);
  });

  it('wait while submission is paused', async () => {
    const world = new SmallWorld(failing(500, ['r2'], [1]));
    const jobId = await world.drop('a.jsonl', fileOf('r1', 'r2'));
    await world.work();
    await world.ledger.replaceControl({ ...(await world.ledger.readControl()), paused: true });
    await world.pass(60);
    expect(world.parts(jobId)[0]).toMatchObject({ attempt: 2 });
    expect(world.api.audit().creates).toHaveLength(1);
    await world.ledger.replaceControl({ ...(await world.ledger.readControl()), paused: false });
    await world.rest();
    expect(ids(world, 'output.jsonl')).toEqual(['r1', 'r2']);
  });
});

describe('rows that failed with a permanent error', () => {
  it('do not run again, and keep their place among the rows that do', async () => {
    const fate = ({ nth }: { nth: number }): BatchBehavior => ({
      row: (customId) =>
        customId === 'r3'
          ? { statusCode: 400 }
          : nth === 1 && customId !== 'r1'
            ? { statusCode: 500 }
            : 'succeeded',
    });
    const world = new SmallWorld({ fate });
    await world.drop('a.jsonl', fileOf('r1', 'r2', 'r3', 'r4'));
    await world.rest();
    expect(ids(world, 'output.jsonl')).toEqual(['r1', 'r2', 'r4']);
    expect(world.lines('errors.jsonl')).toMatchObject([{ custom_id: 'r3', attempts: 1 }]);
    expect(world.api.audit().uploads[1]?.bytes).toBe(Buffer.byteLength(fileOf('r2', 'r4')));
  });
});

describe('rows that expired', () => {
  const expiring = {
    fate: ({ nth }: { nth: number }): BatchBehavior => (nth === 1 ? { runningMs: 48 * HOUR } : {}),
  };

  it('run again, but rows that finished in time do not', async () => {
    const world = new SmallWorld(expiring);
    const jobId = await world.drop('a.jsonl', fileOf('r1', 'r2', 'r3', 'r4'));
    await world.rest();
    expect(world.job(jobId)).toMatchObject({ status: 'completed', rows: { total: 4, succeeded: 4 } });
    expect(ids(world, 'output.jsonl')).toEqual(['r1', 'r2', 'r3', 'r4']);
    const { billed } = world.api.audit();
    expect(new Set(billed.map(({ customId }) => customId)).size).toBe(billed.length);
  });

  it('run in a second batch with its own sequence of events, and the summary has both batches', async () => {
    const world = new SmallWorld(expiring);
    const jobId = await world.drop('a.jsonl', fileOf('r1', 'r2', 'r3', 'r4'));
    await world.rest();
    expect(world.batchStatuses()).toEqual(
      ['validating', 'in_progress', 'expired', 'validating', 'in_progress', 'finalizing', 'completed'].filter(
        (status) => world.batchStatuses().includes(status),
      ),
    );
    const event = jobStatusChange(world.job(jobId), world.ports);
    expect(event.detail.data).toMatchObject({ batches: { count: 2 }, usage: { totalTokens: 15 * 4 } });
    const [part] = summaryOf(world).parts;
    expect(part).toMatchObject({
      attempts: 2,
      batches: [
        { batchId: 'batch_000001', status: 'expired', sentRows: 4 },
        { batchId: 'batch_000002', status: 'completed', sentRows: 3 },
      ],
    });
  });

  it('stay expired when the job is cancelled before they run again', async () => {
    const world = new SmallWorld(expiring);
    const jobId = await world.drop('a.jsonl', fileOf('r1', 'r2', 'r3', 'r4'));
    await world.work();
    await world.pass(24 * 60 - 2);
    await world.ledger.replaceControl({ ...(await world.ledger.readControl()), paused: true });
    await world.pass(30);
    expect(world.parts(jobId)[0]).toMatchObject({ attempt: 2 });
    await world.cancel({ jobId });
    await world.rest();
    expect(world.api.audit().creates).toHaveLength(1);
    expect(world.job(jobId)).toMatchObject({
      status: 'cancelled',
      rows: { total: 4, succeeded: 1, expired: 3, cancelled: 0 },
    });
    expect(world.lines('errors.jsonl').map((line) => line.error)).toMatchObject(
      Array.from({ length: 3 }, () => ({ code: 'batch_expired' })),
    );
  });

  it('keep the outcome of each attempt when the second one is cancelled', async () => {
    const world = new SmallWorld({
      fate: ({ nth }) => ({ runningMs: nth === 1 ? 48 * HOUR : 3 * HOUR }),
    });
    const jobId = await world.drop('a.jsonl', fileOf('r1', 'r2', 'r3', 'r4'));
    await world.work();
    await world.pass(26 * 60);
    await world.cancel({ jobId });
    await world.rest();
    const { rows } = world.job(jobId);
    expect(rows).toMatchObject({ total: 4, missing: 0, failed: 0 });
    expect(rows?.succeeded).toBeGreaterThan(1);
    expect(rows?.cancelled).toBeGreaterThan(0);
    expect([...ids(world, 'output.jsonl'), ...ids(world, 'errors.jsonl')].toSorted()).toEqual([
      'r1',
      'r2',
      'r3',
      'r4',
    ]);
  });
});

describe('rows missing from both result files', () => {
  const losing = {
    fate: ({ nth }: { nth: number }): BatchBehavior => ({
      row: (id) => (nth === 1 && id === 'r1' ? 'missing' : 'succeeded'),
    }),
  };

  it('do not run again, because they may have been billed', async () => {
    const world = new SmallWorld(losing);
    const jobId = await world.drop('a.jsonl', fileOf('r1', 'r2'));
    await world.rest();
    expect(world.api.audit().creates).toHaveLength(1);
    expect(world.job(jobId).rows).toMatchObject({ total: 2, succeeded: 1, missing: 1 });
  });

  it('run again with rerunMissing', async () => {
    const world = new SmallWorld({ ...losing, rerun: { rerunMissing: true } });
    const jobId = await world.drop('a.jsonl', fileOf('r1', 'r2'));
    await world.rest();
    expect(world.job(jobId).rows).toMatchObject({ total: 2, succeeded: 2 });
    expect(ids(world, 'output.jsonl')).toEqual(['r1', 'r2']);
  });
});

describe('a job of several attempts', () => {
  it('leaves no file at the API, no piece and no scratch file', async () => {
    const world = new SmallWorld(failing(503, ['r2'], [1, 2]));
    await world.drop('a.jsonl', fileOf('r1', 'r2'));
    await world.rest();
    expect(world.api.audit().creates).toHaveLength(3);
    expect(world.api.files()).toEqual([]);
    expect([...world.results.objects().keys()].filter((key) => key.startsWith('_batchdrop/jobs/'))).toEqual(
      [],
    );
    expect(world.scratch.openFiles()).toBe(0);
  });

  it('has the same digest for the ids of its requests and of its results, in any order', async () => {
    const world = new SmallWorld(failing(503, ['r2'], [1]));
    await world.drop('a.jsonl', fileOf('r1', 'r2', 'r3'));
    await world.rest();
    const { ids: digests } = summaryOf(world);
    expect(digests.in).toMatch(/^[0-9a-f]{32}$/);
    expect(digests.out).toBe(digests.in);
    const other = new SmallWorld();
    await other.drop('b.jsonl', fileOf('r3', 'r1', 'r2'));
    await other.rest();
    expect(summaryOf(other).ids.in).toBe(digests.in);
  });

  it('reads its rows byte for byte from a file with a byte order mark, CRLF and blank lines', async () => {
    const world = new SmallWorld(failing(503, ['r1', 'r3'], [1]));
    const text = `\uFEFF${row('r1')}\r\n\r\n${row('r2')}\r\n  \n${row('r3')}`;
    await world.drop('a.jsonl', text);
    await world.rest();
    expect(world.api.audit().uploads.map(({ bytes }) => bytes)).toEqual([
      Buffer.byteLength(fileOf('r1', 'r2', 'r3')),
      Buffer.byteLength(fileOf('r1', 'r3')),
    ]);
    expect(ids(world, 'output.jsonl')).toEqual(['r1', 'r2', 'r3']);
  });
});

describe.each(['jobId', 'batchId'] as const)(
  'a cancel by %s after the batch has ended and before its results are stored',
  (by) => {
    /** Returns a job whose row r2 failed with this status code. It is cancelled before its results are stored. */
    async function cancelled(statusCode: number): Promise<{ world: SmallWorld; jobId: string }> {
      let stored = false;
      const world = new SmallWorld({
        ...failing(statusCode, ['r2'], [1]),
        replaced: ({ api }) => ({
          api: withMethods(api, {
            async *readFile(fileId) {
              if (!stored) throw new RetryableError('not yet', { afterSeconds: 60 });
              yield* api.readFile(fileId);
            },
          }),
        }),
      });
      const jobId = await world.drop('a.jsonl', fileOf('r1', 'r2'));
      await world.work();
      await world.pass(6 * 60);
      const { batch } = world.parts(jobId)[0] ?? {};
      expect(batch).toMatchObject({ status: 'completed' });
      await world.cancel({ [by]: { jobId, batchId: batch?.batchId }[by] });
      expect(world.outcomes()).toEqual(['requested']);
      stored = true;
      await world.rest();
      expect(world.api.audit().creates).toHaveLength(1);
      expect(world.job(jobId)).toMatchObject({ rows: { total: 2, succeeded: 1, failed: 1 } });
      return { world, jobId };
    }

    it('prevents the rerun, and the job is cancelled', async () => {
      const { world, jobId } = await cancelled(503);
      expect(world.job(jobId)).toMatchObject({ status: 'cancelled', reason: { code: 'cancelled' } });
    });

    it('leaves the job completed when nothing would have run again', async () => {
      const { world, jobId } = await cancelled(400);
      expect(world.job(jobId)).toMatchObject({ status: 'completed' });
    });
  },
);

describe('a cancel by the id of a batch whose rows run again', () => {
  async function cancelled(when: 'runs' | 'ended') {
    const world = new SmallWorld(failing(503, ['r2'], [1]));
    const jobId = await world.drop('a.jsonl', fileOf('r1', 'r2'));
    await world.work();
    while (world.api.audit().creates.length < 2) await world.pass(1);
    if (when === 'ended') await world.rest();
    const ids = world.api.audit().creates.map(({ batchId }) => batchId);
    await world.cancel({ batchId: ids[0] });
    await world.rest();
    expect(world.job(jobId)).toMatchObject({ status: 'completed', rows: { succeeded: 2 } });
    return { world, jobId, ids };
  }
  const outcomes = ({ bus }: SmallWorld) =>
    bus.published().flatMap(({ detail: { data } }) => ('outcome' in data ? [data] : []));

  it('says which batch runs them now, and how to cancel it', async () => {
    const { world, jobId, ids } = await cancelled('runs');
    expect(outcomes(world)).toMatchObject([
      {
        outcome: 'too_late',
        status: 'completed',
        message: `cancel ${ids[0]}: already completed; rows that did not succeed may run again as ${ids[1]}: to stop them, cancel job ${jobId}`,
      },
    ]);
  });

  it('says only that the batch had ended, once the rerun has also ended', async () => {
    const { world, ids } = await cancelled('ended');
    expect(outcomes(world)).toMatchObject([
      { outcome: 'too_late', status: 'completed', message: `cancel ${ids[0]}: already completed` },
    ]);
  });
});
