import { describe, expect, it } from 'vitest';
import {
  NotAllowed,
  type Obstacle,
  RetryableError,
  TerminalError,
} from '../../../functions/shared/domain/errors.ts';
import type { OutgoingEvent } from '../../../functions/shared/domain/outgoing-event.ts';
import { backoffAfter, MAX_TRIES } from '../../../functions/shared/domain/timing.ts';
import { failedStep } from '../../../functions/shared/lifecycle/advance.ts';
import {
  type JobInHand,
  type PartInHand,
  takeJob,
  takePart,
} from '../../../functions/shared/lifecycle/compare-and-set.ts';
import { LostLease } from '../../../functions/shared/lifecycle/lease.ts';
import { recordJobFailure, recordPartFailure } from '../../../functions/shared/lifecycle/record-failure.ts';
import { aBatch, aJob, aPart, type PartFields } from '../../contracts/samples.ts';
import { withFaults } from '../../fakes/faulty.ts';
import { fileOf, MINUTE, SmallWorld } from '../small-world.ts';

const SENT = { id: 'i', at: 0, fileId: 'file-1', sendBy: 0 };

async function partOf(world: SmallWorld): Promise<PartInHand> {
  const inHand = await takePart(world.ports, aPart());
  if (!inHand) throw new Error('there is no part');
  return inHand;
}

async function jobOf(world: SmallWorld): Promise<JobInHand> {
  const inHand = await takeJob(world.ports, aJob().jobId);
  if (!inHand) throw new Error('there is no job');
  return inHand;
}

describe('a failure', () => {
  it.each([
    ['with a Retry-After is not counted', new RetryableError('x', { afterSeconds: 7 }), 0, 7_000, 'warn'],
    ['that is retryable is counted', new RetryableError('x'), 1, backoffAfter(1), 'warn'],
    ['of a refused key is not counted', new NotAllowed('x'), 0, 2 * MINUTE, 'error'],
    ['that is terminal is counted', new TerminalError('c', 'x'), 1, backoffAfter(1), 'error'],
    ['that is unexpected is counted', new TypeError('x'), 1, backoffAfter(1), 'error'],
  ])('%s', async (_, failure, tries, pause, level) => {
    const world = new SmallWorld();
    await world.ledger.createPart(aPart({ phase: 'ready', expiresAt: Number.MAX_SAFE_INTEGER }));
    await world.ledger.createJob(aJob({ expiresAt: Number.MAX_SAFE_INTEGER }));
    await recordPartFailure(world.ports, await partOf(world), 'upload', failure);
    await recordJobFailure(world.ports, await jobOf(world), 'intake', failure);
    const backoffUntil = world.clock.now() + pause;
    expect(world.ledger.parts()[0]).toMatchObject({ tries, backoffUntil, dueAt: backoffUntil });
    expect(world.ledger.jobs()[0]).toMatchObject({ tries, backoffUntil, dueAt: backoffUntil });
    expect(world.log.lines.map((line) => line.level)).toEqual([level, level]);
  });

  it('is not recorded if it is only a lost lease', async () => {
    const world = new SmallWorld();
    await world.ledger.createPart(aPart({ phase: 'ready', expiresAt: Number.MAX_SAFE_INTEGER }));
    const before = world.ledger.parts();
    await failedStep(world.ports, await partOf(world), 'upload', new LostLease('x'));
    expect(world.ledger.parts()).toEqual(before);
  });

  it.each<[string, PartFields, boolean]>([
    ['with a batch', { batch: aBatch(), rev: 1, publishedRev: 1 }, true],
    ['that may have a batch', { intent: SENT }, true],
    ['without a batch', { phase: 'ready' }, false],
  ])('after the last try stalls a part %s: %s', async (_, differences, stalled) => {
    const world = new SmallWorld();
    const expiresAt = Number.MAX_SAFE_INTEGER;
    const start = aPart({ expiresAt, tries: MAX_TRIES - 1, ...differences });
    await world.ledger.createPart(start);
    await recordPartFailure(world.ports, await partOf(world), 'search', new RetryableError('x'));
    const [part] = world.ledger.parts();
    expect(part?.tries).toBe(MAX_TRIES);
    expect(part?.stalled?.code).toBe(stalled ? 'tries_used_up' : undefined);
    const report = { level: 'error', facts: { step: 'search', tries: MAX_TRIES } };
    expect(world.log.lines.filter(({ code }) => code === 'part_stalled')).toMatchObject(
      stalled ? [report] : [],
    );
    expect(part?.dueAt).toBeDefined();
  });
});

describe('a wait for hours', () => {
  const HOURS = 60 * MINUTE;
  const refusal = (waitsFor: Obstacle) => new RetryableError('m', { waitsFor, said: 'No.' });

  it.each([
    ['for the connection', refusal('unreachable'), 15_000, 5 * HOURS, 1],
    ['for the storage', refusal('storage'), 2 * MINUTE, 5 * HOURS, 1],
    ['that is not long yet', refusal('unreachable'), 15_000, 5 * HOURS - 1, 0],
    ['for the account, which has its own alarm', refusal('account'), 2 * MINUTE, 48 * HOURS, 0],
    ['for a key, which is a wait for the account', new NotAllowed('401'), 2 * MINUTE, 48 * HOURS, 0],
  ])('%s is reported like a stalled item or not', async (_, failure, first, milliseconds, reports) => {
    const world = new SmallWorld();
    await world.ledger.createPart(aPart({ phase: 'ready' }));
    await recordPartFailure(world.ports, await partOf(world), 'upload', failure);
    expect(world.metrics.of('Stalled')).toEqual([]);
    expect(world.ledger.parts()[0]).toMatchObject({ tries: 0, backoffUntil: world.clock.now() + first });
    world.clock.advance(milliseconds);
    await recordPartFailure(world.ports, await partOf(world), 'upload', failure);
    expect(world.metrics.of('Stalled')).toHaveLength(reports);
    expect(world.log.lines.filter(({ code }) => code === 'waits_long')).toHaveLength(reports);
  });
});

describe('submission that fails again and again', () => {
  it('ends as failed after a few hours, with every row accounted for and an event for the job', async () => {
    const world = new SmallWorld({
      replaced: ({ api }) => ({
        api: withFaults(api, (method) =>
          method === 'uploadFile' ? { failBefore: new RetryableError('HTTP 500') } : 'ok',
        ),
      }),
    });
    const began = world.clock.now();
    const jobId = await world.drop('a.jsonl', fileOf('r1', 'r2'));
    await world.rest();
    expect(world.jobStatuses(jobId)).toEqual(['accepted', 'failed']);
    expect(world.job(jobId)).toMatchObject({
      rows: { total: 2, failed: 2 },
      reason: { code: 'tries_used_up' },
    });
    expect(world.log.lines.filter(({ code }) => code === 'tries_used_up')).toMatchObject([
      { level: 'error', facts: { jobId, part: 1 } },
    ]);
    const hours = (world.job(jobId).changedAt - began) / (60 * MINUTE);
    expect(hours).toBeGreaterThan(2);
    expect(hours).toBeLessThan(6);
  });

  it('ends at the next tick when the API refuses the file', async () => {
    const world = new SmallWorld({
      replaced: ({ api }) => ({
        api: withFaults(api, (method) =>
          method === 'uploadFile' ? { failBefore: new TerminalError('invalid_file', 'No.') } : 'ok',
        ),
      }),
    });
    const jobId = await world.drop('a.jsonl', fileOf('r1'));
    await world.work();
    await world.pass(1);
    expect(world.job(jobId)).toMatchObject({ status: 'failed', reason: { code: 'invalid_file' } });
    expect(world.lines('errors.jsonl')).toEqual([
      {
        id: null,
        custom_id: 'r1',
        response: null,
        error: { code: 'batch_failed', message: 'not run: No.' },
        attempts: 0,
      },
    ]);
  });

  it('waits while the key is refused, for days if necessary', async () => {
    let allowed = false;
    const world = new SmallWorld({
      replaced: ({ api }) => ({
        api: withFaults(api, () => (allowed ? 'ok' : { failBefore: new NotAllowed('401') })),
      }),
    });
    const jobId = await world.drop('a.jsonl', fileOf('r1'));
    await world.work();
    await world.pass(2 * 24 * 60);
    expect(world.job(jobId).status).toBe('accepted');
    expect(world.parts(jobId)[0]?.tries).toBe(0);
    allowed = true;
    await world.rest();
    expect(world.jobStatuses(jobId).at(-1)).toBe('completed');
  });
});

describe('a bus that refuses events for hours', () => {
  async function afterOutage(refused: (event: OutgoingEvent) => boolean, minutes: number) {
    let down = true;
    const world = new SmallWorld({ refuses: (event) => down && refused(event) });
    const jobId = await world.drop('a.jsonl', fileOf('r1', 'r2'));
    await world.work();
    await world.pass(minutes);
    const before = world.bus.published().length;
    down = false;
    await world.rest();
    return { world, jobId, before };
  }

  it('gets every event in order when it recovers', async () => {
    const { world, jobId, before } = await afterOutage(() => true, 10 * 60);
    expect(before).toBe(0);
    expect(world.jobStatuses(jobId)).toEqual(['accepted', 'submitted', 'completed']);
    expect(world.batchStatuses()[0]).toBe('validating');
    expect(world.batchStatuses().at(-1)).toBe('completed');
  });

  it('does not prevent the clean-up of a finished job', async () => {
    const { world, jobId } = await afterOutage(
      ({ detail }) =>
        'status' in detail.data &&
        detail.data.status === 'completed' &&
        'rows' in detail.data &&
        !('batchId' in detail.data),
      10 * 60,
    );
    expect(world.jobStatuses(jobId).at(-1)).toBe('completed');
    expect(world.api.files()).toEqual([]);
    expect([...world.results.objects().keys()].filter((key) => key.startsWith('_batchdrop/jobs/'))).toEqual(
      [],
    );
    expect(world.log.lines.filter(({ code }) => code === 'clean_up_abandoned')).toEqual([]);
  });

  it('does not stall a part that works', async () => {
    const { world, jobId } = await afterOutage(
      ({ detail }) => 'batchId' in detail.data && detail.data.status === 'completed',
      10 * 60,
    );
    expect(world.parts(jobId)[0]).toMatchObject({ tries: 0, batch: { status: 'completed' } });
    expect(world.parts(jobId)[0]?.stalled).toBeUndefined();
    expect(world.jobStatuses(jobId).at(-1)).toBe('completed');
  });
});

it('an event that is published again has the same id and the same content', async () => {
  let down = 3;
  const world = new SmallWorld({
    replaced: ({ bus }) => ({
      bus: withFaults(bus, () => {
        down -= 1;
        return down >= 0 ? { failAfter: new RetryableError('the answer was lost') } : 'ok';
      }),
    }),
  });
  await world.drop('a.jsonl', fileOf('r1'));
  await world.rest();
  const byId = new Map<string, Set<string>>();
  for (const event of world.bus.published()) {
    const id = event.detail.metadata.id;
    byId.set(id, (byId.get(id) ?? new Set()).add(JSON.stringify(event)));
  }
  expect([...byId.values()].every((contents) => contents.size === 1)).toBe(true);
  expect(world.bus.published().length).toBeGreaterThan(byId.size);
});

it('a job whose results cannot be stored is reported as stalled at every try after the last counted one', async () => {
  let down = true;
  const world = new SmallWorld({
    replaced: ({ results }) => ({
      results: withFaults(results, (method, [key]) =>
        method === 'put' && `${key}`.endsWith('summary.json') && down
          ? { failBefore: new RetryableError('503') }
          : 'ok',
      ),
    }),
  });
  const jobId = await world.drop('a.jsonl', fileOf('r1'));
  await world.work();
  await world.pass(8 * 60);
  const stalled = () => world.log.lines.filter(({ code }) => code === 'job_stalled');
  expect(stalled()[0]).toMatchObject({
    level: 'error',
    facts: { jobId, step: 'check-parts', tries: MAX_TRIES },
  });
  const before = stalled().length;
  await world.pass(60);
  expect(stalled().length).toBeGreaterThan(before);
  down = false;
  await world.rest();
  expect(world.job(jobId).status).toBe('completed');
});
