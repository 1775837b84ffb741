import { describe, expect, it } from 'vitest';
import { nextPartStep } from '../../../functions/shared/domain/next-step.ts';
import type { ObservedBatch, Part } from '../../../functions/shared/domain/part.ts';
import { advanceJob, advancePart } from '../../../functions/shared/lifecycle/advance.ts';
import { cancelPart, observePart } from '../../../functions/shared/lifecycle/apply-observation.ts';
import {
  changePart,
  jobInHand,
  partInHand,
  takeJob,
  takePart,
} from '../../../functions/shared/lifecycle/compare-and-set.ts';
import { dispatchParts } from '../../../functions/shared/lifecycle/dispatch-parts.ts';
import { aBatch, aJob, aPart, type PartFields } from '../../contracts/samples.ts';
import { MINUTE, SmallWorld, withMethods } from '../small-world.ts';

const expiresAt = Number.MAX_SAFE_INTEGER;

/** Returns the part after its batch was seen as `observed`. */
async function afterObserving(
  known: PartFields,
  observed: Partial<ObservedBatch>,
): Promise<Part | undefined> {
  const world = new SmallWorld();
  const part = aPart({ expiresAt, rev: 3, publishedRev: 3, batch: aBatch(), ...known });
  await world.ledger.createPart(part);
  const api = withMethods(world.api, { retrieveBatch: async () => aBatch(observed) });
  await observePart({ ...world.ports, api }, partInHand(world.ports, part));
  return world.ledger.readPart(part);
}

describe('an observed status', () => {
  it.each([
    ['validating', 'in_progress', true],
    ['validating', 'completed', true],
    ['in_progress', 'finalizing', true],
    ['finalizing', 'cancelling', true],
    ['cancelling', 'completed', true],
    ['in_progress', 'in_progress', false],
    ['in_progress', 'validating', false],
    ['cancelling', 'in_progress', false],
    ['completed', 'in_progress', false],
    ['completed', 'cancelled', false],
    ['failed', 'completed', false],
    ['cancelled', 'pondering', false],
    ['validating', 'pondering', true],
    ['in_progress', 'pondering', true],
    ['finalizing', 'pondering', false],
    ['cancelling', 'pondering', false],
    ['pondering', 'in_progress', true],
    ['pondering', 'expired', true],
  ])('after %s, %s is a change: %s', async (known, observed, isChange) => {
    const part = await afterObserving({ batch: aBatch({ status: known }) }, { status: observed });
    expect(part?.batch?.status).toBe(isChange ? observed : known);
    expect(part?.rev).toBe(isChange ? 4 : 3);
    if (isChange) expect(part?.previousStatus).toBe(known);
  });

  it('does not go back before the status that preceded an unknown one', async () => {
    const known = { batch: aBatch({ status: 'pondering' }), previousStatus: 'cancelling' };
    expect((await afterObserving(known, { status: 'in_progress' }))?.batch?.status).toBe('pondering');
    expect((await afterObserving(known, { status: 'finalizing' }))?.batch?.status).toBe('pondering');
    expect((await afterObserving(known, { status: 'cancelled' }))?.batch?.status).toBe('cancelled');
  });

  it('is not applied until the previous change is published', async () => {
    const part = await afterObserving({ publishedRev: 2 }, { status: 'completed' });
    expect(part).toMatchObject({ rev: 3, batch: { status: 'validating' } });
  });

  it('of a batch that its part no longer runs is not applied', async () => {
    const part = await afterObserving({}, { batchId: 'batch_2', status: 'completed' });
    expect(part?.batch?.status).toBe('validating');
  });

  it('clears the backoff, the tries and the stalled mark', async () => {
    const stalled = { code: 'tries_used_up', message: 'm' };
    const part = await afterObserving(
      { backoffUntil: expiresAt, tries: 14, stalled },
      { status: 'in_progress' },
    );
    expect(part).toMatchObject({ tries: 0 });
    expect(part).not.toHaveProperty('backoffUntil');
    expect(part).not.toHaveProperty('stalled');
  });

  const limit = { code: 'token_limit_exceeded', message: 'm', param: null, line: null };
  const other = { ...limit, code: 'model_not_found' };
  it.each([
    ['failed only for the token limit requeues its part', 'failed', [limit, limit], true],
    ['failed for the token limit and another reason does not requeue it', 'failed', [limit, other], false],
    ['failed for another reason does not requeue it', 'failed', [other], false],
    ['failed without a reason does not requeue it', 'failed', [], false],
    ['expired does not requeue it, whatever its errors', 'expired', [limit], false],
  ])('of a batch that %s', async (_, status, errors, again) => {
    const part = await afterObserving({}, { status, errors, errorCount: errors.length });
    expect(part?.phase).toBe(again ? 'requeued' : 'batch_ended');
    expect(part?.tokenLimitRejections).toBe(again ? 1 : 0);
    expect(part?.waiting?.for).toBe(again ? 'token_limit' : undefined);
  });
});

describe('a cancel that is sent to the API', () => {
  /** Returns the part after its cancel had this response, while `meanwhile` happened to the part. */
  async function afterCancel(
    response: ObservedBatch | 'too_late' | 'unknown',
    fields: PartFields = {},
    meanwhile: (part: Part) => Part | undefined = () => undefined,
  ) {
    const world = new SmallWorld();
    const part = aPart({ expiresAt, rev: 1, publishedRev: 1, batch: aBatch(), unconfirmed: true, ...fields });
    await world.ledger.createPart(part);
    const api = withMethods(world.api, {
      async cancelBatch() {
        await changePart(world.ports, part, meanwhile);
        return response;
      },
      retrieveBatch: async () => aBatch({ status: 'completed' }),
    });
    const isSent = await cancelPart({ ...world.ports, api }, partInHand(world.ports, part));
    return { world, isSent, after: await world.ledger.readPart(part) };
  }

  it('is noted with its time, and the status of the response is applied', async () => {
    const { world, isSent, after } = await afterCancel(aBatch({ status: 'cancelling' }));
    expect(isSent).toBe(true);
    expect(after).toMatchObject({ cancelSentAt: world.clock.now(), batch: { status: 'cancelling' }, rev: 2 });
    expect(after).not.toHaveProperty('unconfirmed');
  });

  it('too late, makes the part go on with the status that the batch has', async () => {
    expect((await afterCancel('too_late')).after).toMatchObject({ phase: 'batch_ended', rev: 2 });
  });

  it('for a batch that the API does not know, confirms nothing', async () => {
    const { world, after } = await afterCancel('unknown');
    expect(after).toMatchObject({ cancelSentAt: world.clock.now(), unconfirmed: true, rev: 1 });
    expect(world.log.lines).toMatchObject([{ code: 'cancel_unknown_at_api', facts: { batchId: 'batch_1' } }]);
  });

  it('is not noted on another batch that the part has by then', async () => {
    const { after } = await afterCancel(aBatch({ status: 'cancelling' }), {}, (part) =>
      part.phase === 'running' ? { ...part, batch: aBatch({ batchId: 'batch_2' }) } : undefined,
    );
    expect(after).toMatchObject({ batch: { batchId: 'batch_2', status: 'validating' }, rev: 1 });
    expect(after).not.toHaveProperty('cancelSentAt');
  });

  it('is none if the part has no batch', async () => {
    const world = new SmallWorld();
    expect(await cancelPart(world.ports, partInHand(world.ports, aPart({ phase: 'ready' })))).toBe(false);
    expect(world.api.audit().cancels).toEqual([]);
  });
});

async function advance(world: SmallWorld): Promise<void> {
  const part = await takePart(world.ports, aPart());
  if (part) await advancePart(world.ports, part, {}, false);
}

it('an item whose steps change nothing is left to a later invocation after twelve of them', async () => {
  const world = new SmallWorld();
  const [part, job] = [aPart({ phase: 'ready', expiresAt }), aJob({ expiresAt })];
  await world.ledger.createPart(part);
  await world.ledger.createJob(job);
  let steps = 0;
  const again = async () => {
    steps += 1;
    return true;
  };
  const step = nextPartStep(part, world.clock.now(), false).do;
  await advancePart(world.ports, partInHand(world.ports, part), { [step]: again }, false);
  expect(steps).toBe(12);
  await advanceJob(world.ports, jobInHand(world.ports, job), { intake: again });
  expect(steps).toBe(24);
});

describe('dispatching', () => {
  const plan = { planId: aPart().planId, parts: 1, rows: 3, groups: 1 };
  const ready = async () => {
    const world = new SmallWorld();
    const job = aJob({ status: 'accepted', rev: 1, publishedRev: 1, plan, expiresAt });
    await world.ledger.createJob(job);
    await world.ledger.createPart(aPart({ expiresAt }));
    return { world, job };
  };

  it('makes the parts due and sends a message for each', async () => {
    const { world, job } = await ready();
    await dispatchParts(world.ports, jobInHand(world.ports, job));
    expect(world.ledger.parts()[0]).toMatchObject({ phase: 'ready', dueAt: world.clock.now() + 5 * MINUTE });
    expect(world.queues.sent()).toMatchObject([{ to: 'submit', ref: { number: 1 } }]);
    expect(world.ledger.jobs()[0]?.partsDispatched).toBe(true);
  });

  it('passes on a cancel that arrived before the parts existed', async () => {
    const { world, job } = await ready();
    await dispatchParts(world.ports, jobInHand(world.ports, { ...job, cancelRequestedAt: 7 }));
    expect(world.ledger.parts()[0]).toMatchObject({ phase: 'ready', cancelRequestedAt: 7 });
  });

  it('sends no second message while one is in flight', async () => {
    const { world, job } = await ready();
    await dispatchParts(world.ports, jobInHand(world.ports, job));
    world.queues.take();
    await advance(world);
    expect(world.queues.take()).toEqual([]);
    world.clock.advance(5 * MINUTE);
    await advance(world);
    expect(world.queues.take()).toHaveLength(1);
  });

  it('sends no second message for a job, either', async () => {
    const world = new SmallWorld();
    await world.ledger.createJob(aJob({ expiresAt }));
    const sentAfter = async (milliseconds: number) => {
      world.clock.advance(milliseconds);
      const job = await takeJob(world.ports, aJob().jobId);
      if (job) await advanceJob(world.ports, job, {});
      return world.queues.take().map(({ to }) => to);
    };
    expect(await sentAfter(0)).toEqual(['intake']);
    expect(await sentAfter(5 * MINUTE - 1)).toEqual([]);
    expect(await sentAfter(1)).toEqual(['intake']);
  });
});
