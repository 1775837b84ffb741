import { describe, expect, it } from 'vitest';
import { NotAllowed, RetryableError } from '../../../functions/shared/domain/errors.ts';
import type { Part } from '../../../functions/shared/domain/part.ts';
import { MAX_TRIES } from '../../../functions/shared/domain/timing.ts';
import { partInHand } from '../../../functions/shared/lifecycle/compare-and-set.ts';
import { recordPartFailure } from '../../../functions/shared/lifecycle/record-failure.ts';
import { saveBatch } from '../../../functions/shared/lifecycle/save-batch.ts';
import { aBatch, aPart } from '../../contracts/samples.ts';
import { withFaults } from '../../fakes/faulty.ts';
import { fileOf, fileOfTwoParts, HOUR, MINUTE, SmallWorld } from '../small-world.ts';

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

describe('the metrics of a completed file', () => {
  it('count each status, row and batch once', async () => {
    const world = new SmallWorld({
      fate: () => ({ row: (customId) => (customId === 'first' ? 'failed' : 'succeeded') }),
    });
    await world.drop('two-parts.jsonl', fileOfTwoParts());
    await world.rest();
    const { metrics } = world;
    expect(metrics.of('JobsAccepted')).toEqual([1]);
    expect(metrics.of('JobsSubmitted')).toEqual([1]);
    expect(metrics.of('JobsCompleted')).toEqual([1]);
    expect(metrics.of('BatchesCreated')).toEqual([1, 1]);
    expect(metrics.of('RowsSucceeded')).toEqual([1]);
    expect(metrics.of('RowsFailed')).toEqual([1]);
    expect(metrics.of('RowsMissing')).toEqual([]);
  });

  it('count tokens as the API reported them', async () => {
    const world = new SmallWorld();
    const jobId = await world.drop('a.jsonl', fileOf('r1', 'r2', 'r3'));
    await world.rest();
    const { usage } = world.job(jobId);
    expect(usage?.inputTokens).toBeGreaterThan(0);
    expect(world.metrics.of('InputTokens')).toEqual([usage?.inputTokens]);
    expect(world.metrics.of('OutputTokens')).toEqual([usage?.outputTokens]);
  });

  it('measure the detection latency from the end of the batch at the API to its event', async () => {
    const world = new SmallWorld();
    const jobId = await world.drop('a.jsonl', fileOf('r1'));
    await world.rest();
    const [part] = world.parts(jobId);
    const [latency] = world.metrics.of('DetectionLatency');
    expect(latency).toBe(((part?.changedAt ?? 0) - (part?.batch?.endedAt ?? 0)) / 1000);
    expect(latency).toBeLessThanOrEqual(60); // one tick per minute
  });

  it('count nothing twice when an event is published twice', async () => {
    let lost = true;
    const world = new SmallWorld({
      replaced: ({ ledger }) => ({
        // The event is published, but recording this fails, so it is published again.
        ledger: withFaults(ledger, (method, [job]) =>
          method === 'replaceJob' && lost && Object(job).publishedRev === 1
            ? { failBefore: new RetryableError('throttled') }
            : 'ok',
        ),
      }),
    });
    await expect(world.drop('a.jsonl', fileOf('r1'))).rejects.toThrow('throttled');
    expect(world.metrics.of('JobsAccepted')).toEqual([]);
    lost = false;
    await world.rest();
    const published = world.jobStatuses(world.ledger.jobs()[0]?.jobId ?? '');
    expect(published.filter((status) => status === 'accepted').length).toBeGreaterThan(1);
    expect(world.metrics.of('JobsAccepted')).toEqual([1]);
  });
});

describe('a rejected file', () => {
  it('is counted as rejected, and nothing else is counted', async () => {
    const world = new SmallWorld();
    await world.drop('bad.jsonl', 'not JSON\n');
    await world.rest();
    expect(world.metrics.of('JobsRejected')).toEqual([1]);
    expect(world.metrics.of('JobsAccepted')).toEqual([]);
    expect(world.metrics.of('RowsFailed')).toEqual([]);
  });
});

describe('a tick', () => {
  it('counts itself, the open batches by status, and the age of the oldest one', async () => {
    const world = new SmallWorld({ fate: () => ({ runningMs: 2 * HOUR }) });
    await world.drop('first.jsonl', fileOf('r1'));
    await world.pass(10);
    await world.drop('second.jsonl', fileOf('r2'));
    await world.work();
    await world.poll();
    const created = Math.min(...world.ledger.parts().map(({ batch }) => batch?.createdAt ?? 0));
    const last = (name: Parameters<typeof world.metrics.of>[0]) => world.metrics.of(name).at(-1);
    expect(world.metrics.of('Ticks')).toHaveLength(11);
    expect(last('OpenBatches')).toBe(2);
    expect(last('OpenBatchesInProgress')).toBe(1);
    expect(last('OpenBatchesValidating')).toBe(1);
    expect(last('OldestOpenAge')).toBe((world.clock.now() - created) / 1000);
  });

  it('counts a batch under the status that the tick itself has observed', async () => {
    const world = new SmallWorld({ fate: () => ({ validatingMs: MINUTE, runningMs: 2 * HOUR }) });
    await world.drop('a.jsonl', fileOf('r1'));
    await world.work();
    await world.poll();
    expect(world.metrics.of('OpenBatchesValidating')).toEqual([1]);
    world.clock.advance(2 * MINUTE);
    await world.poll();
    expect(world.metrics.of('OpenBatchesValidating')).toEqual([1]);
    expect(world.metrics.of('OpenBatchesInProgress')).toEqual([1]);
  });

  it('without open batches reports only that it completed, because each further metric costs money', async () => {
    const world = new SmallWorld();
    await world.poll();
    expect(world.metrics.names()).toEqual(['Ticks']);
  });

  it('reports nothing while idle if no alarm watches it', async () => {
    const world = new SmallWorld({ heartbeat: false });
    await world.poll();
    expect(world.metrics.names()).toEqual([]);
    await world.drop('a.jsonl', fileOf('r1'));
    await world.work();
    await world.poll();
    expect(world.metrics.of('OpenBatches')).toEqual([1]);
    expect(world.metrics.of('Ticks')).toEqual([]);
  });

  it('that finds the lease taken counts nothing', async () => {
    const world = new SmallWorld();
    const pollLease = { holder: 'another', until: world.clock.now() + MINUTE };
    await world.ledger.replaceControl({ version: 0, paused: false, pollLease });
    await world.poll();
    expect(world.metrics.of('Ticks')).toEqual([]);
  });

  it('counts an unknown status under Other', async () => {
    const world = new SmallWorld({
      replaced: ({ api }) => ({
        api: {
          ...Object.create(api),
          createBatch: async (...args: Parameters<typeof api.createBatch>) => ({
            ...(await api.createBatch(...args)),
            status: 'queued',
          }),
          uploadFile: api.uploadFile.bind(api),
          retrieveBatch: async (batchId: string) => ({
            ...(await api.retrieveBatch(batchId)),
            status: 'queued',
          }),
        },
      }),
    });
    await world.drop('a.jsonl', fileOf('r1'));
    await world.work();
    await world.pass(1);
    expect(world.metrics.of('OpenBatches')).toEqual([1]);
    expect(world.metrics.of('OpenBatchesOther')).toEqual([1]);
  });
});

describe('problems that need an operator', () => {
  it.each([
    ['an event that the bus refuses', { refuses: () => true }],
    [
      'a bus that does not respond',
      {
        replaced: ({ bus }: { bus: object }) => ({
          bus: withFaults(bus, () => ({ failBefore: new RetryableError('down') })) as never,
        }),
      },
    ],
  ])('%s is counted as a publish failure each time', async (_, settings) => {
    const world = new SmallWorld(settings);
    await world.drop('a.jsonl', fileOf('r1'));
    expect(world.metrics.of('PublishFailures')).toEqual([1]);
    await expect(world.cancel({ jobId: 'nobody' })).rejects.toThrow();
    expect(world.metrics.of('PublishFailures')).toEqual([1, 1]);
  });

  it('a second batch is counted', async () => {
    const world = new SmallWorld();
    const part = aPart({ batch: aBatch(), expiresAt: Number.MAX_SAFE_INTEGER });
    await world.ledger.createPart(part);
    const batch = aBatch({ batchId: 'batch_second' });
    const saved = { intentId: 'an earlier intent', batch, released: (known: Part) => known };
    await saveBatch(world.ports, partInHand(world.ports, part), saved);
    expect(world.metrics.of('SecondBatches')).toEqual([1]);
  });

  it('a refused key is counted at each step that it stops', async () => {
    const world = new SmallWorld({
      replaced: ({ api }) => ({ api: withFaults(api, () => ({ failBefore: new NotAllowed('401') })) }),
    });
    await world.drop('a.jsonl', fileOf('r1'));
    await world.work();
    await world.pass(10);
    expect(sum(world.metrics.of('KeyRefused'))).toBeGreaterThan(2);
  });

  it('a stalled part is counted at each failed try', async () => {
    const world = new SmallWorld();
    const part = aPart({
      batch: aBatch(),
      rev: 1,
      publishedRev: 1,
      expiresAt: Number.MAX_SAFE_INTEGER,
      tries: MAX_TRIES - 2,
    });
    await world.ledger.createPart(part);
    const inHand = partInHand(world.ports, part);
    const failings = [];
    for (let nth = 0; nth < 4; nth += 1) {
      await recordPartFailure(world.ports, inHand, 'observe', new RetryableError('HTTP 500'));
      failings.push(world.metrics.of('Stalled').length);
    }
    expect(failings).toEqual([0, 1, 2, 3]);
  });

  it('a job whose results cannot be assembled is also counted as stalled', async () => {
    const world = new SmallWorld({
      replaced: ({ results }) => ({
        results: withFaults(results, (method, [key]) =>
          method === 'put' && String(key).endsWith('summary.json')
            ? { failBefore: new RetryableError('HTTP 500') }
            : 'ok',
        ),
      }),
    });
    await world.drop('a.jsonl', fileOf('r1'));
    await world.work();
    await world.pass(6 * 60);
    expect(world.metrics.of('Stalled').length).toBeGreaterThan(0);
  });

  it('used-up tries are counted once for a part that never got a batch', async () => {
    const world = new SmallWorld({
      replaced: ({ api }) => ({
        api: withFaults(api, (method) =>
          method === 'uploadFile' ? { failBefore: new RetryableError('HTTP 500') } : 'ok',
        ),
      }),
    });
    await world.drop('a.jsonl', fileOf('r1'));
    await world.rest();
    expect(world.metrics.of('TriesUsedUp')).toEqual([1]);
    expect(world.metrics.of('Stalled')).toEqual([]);
  });

  it('used-up tries are counted once for a file that could not be read', async () => {
    const world = new SmallWorld({
      replaced: ({ requestFiles }) => ({
        requestFiles: withFaults(requestFiles, (method) =>
          method === 'read' ? { failBefore: new RetryableError('HTTP 500') } : 'ok',
        ),
      }),
    });
    await world.drop('a.jsonl', fileOf('r1'));
    await world.rest();
    expect(world.metrics.of('TriesUsedUp')).toEqual([1]);
    expect(world.metrics.of('Stalled')).toEqual([]);
    expect(world.metrics.of('JobsFailed')).toEqual([1]);
  });
});
