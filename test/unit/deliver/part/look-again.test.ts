import { describe, expect, it } from 'vitest';
import {
  lookAgainLater,
  recordExpiring,
  retrievedAgain,
} from '../../../../functions/deliver/part/look-again.ts';
import { NotAllowed, RetryableError, TerminalError } from '../../../../functions/shared/domain/errors.ts';
import type { ObservedBatch } from '../../../../functions/shared/domain/part.ts';
import { partInHand } from '../../../../functions/shared/lifecycle/compare-and-set.ts';
import { withPartLease } from '../../../../functions/shared/lifecycle/lease.ts';
import { aBatch, aPart, NOON, type PartFields } from '../../../contracts/samples.ts';
import { HOUR, SmallWorld, withMethods } from '../../small-world.ts';

const DAY = 24 * HOUR;
const WAIT = { since: NOON, looks: 1, until: NOON + 9, why: 'w' };
const WAITS: PartFields = { batch: aBatch({ status: 'completed', outputFileId: 'old' }), resultsWait: WAIT };
const USAGE = { inputTokens: 1, cachedInputTokens: 0, outputTokens: 1, reasoningTokens: 0, totalTokens: 2 };

function retrieved(answer: Partial<ObservedBatch> | Error, fields = WAITS) {
  const { api } = new SmallWorld();
  const retrieveBatch = async () => {
    if (answer instanceof Error) throw answer;
    return aBatch(answer);
  };
  return retrievedAgain({ api: withMethods(api, { retrieveBatch }) }, aPart(fields));
}

describe('a batch whose results did not agree is retrieved again', () => {
  it('and has what the API names and counts by now', async () => {
    const now = {
      ...{ outputFileId: 'new', errorFileId: 'err', endedAt: NOON, usage: USAGE },
      counts: { total: 3, completed: 3, failed: 0 },
    };
    const { part } = await retrieved({ status: 'completed', ...now });
    expect(part.batch).toEqual({ ...WAITS.batch, ...now });
  });

  it('and keeps what the API no longer sends, and its own status', async () => {
    const { part } = await retrieved({ status: 'expired', inputFileId: 'other' });
    expect(part.batch).toEqual(WAITS.batch);
  });

  it.each<[string, Partial<ObservedBatch> | Error, object]>([
    ['another batch', { batchId: 'batch_2', status: 'completed', outputFileId: 'new' }, {}],
    ['that it has not ended', { status: 'in_progress', outputFileId: 'new' }, {}],
    ['that there is none', new TerminalError('not_found', 'HTTP 404'), {}],
    ['nothing', new RetryableError('HTTP 502'), { unanswered: 'HTTP 502' }],
  ])('and changes nothing if the API says %s', async (_, answer, expected) => {
    expect(await retrieved(answer)).toEqual({ part: aPart(WAITS), ...expected });
  });

  it('but not if the key is refused, which stops the delivery', async () => {
    await expect(retrieved(new NotAllowed('401'))).rejects.toThrow('401');
  });

  it('but not before the first check', async () => {
    const { batch } = WAITS;
    const fields: PartFields = { ...(batch && { batch }) };
    expect(await retrieved(new Error('never called'), fields)).toEqual({ part: aPart(fields) });
  });
});

describe('a part whose results do not agree yet', () => {
  async function afterLook(fields: PartFields = {}, hours = 0) {
    const world = new SmallWorld();
    const since = world.clock.now() - hours * HOUR;
    const part = aPart({
      ...WAITS,
      deliveryIds: ['d1', 'd2'],
      tries: 3,
      stalled: { code: 'c', message: 'm' },
      ...fields,
    });
    await world.ledger.createPart(part);
    const seen = aPart({ batch: aBatch({ status: 'completed', outputFileId: 'seen' }) });
    const inHand = partInHand(world.ports, part);
    await withPartLease(world.ports, inHand, Number.MAX_SAFE_INTEGER, (leased) =>
      lookAgainLater(world.ports, leased, seen, { deliveryId: 'd2', wait: { ...WAIT, since } }),
    );
    return { world, part: await world.ledger.readPart(part), since };
  }

  it('waits for the next check, without a trace of this delivery', async () => {
    const { world, part, since } = await afterLook();
    expect(part).toMatchObject({
      ...{
        resultsWait: { ...WAIT, since },
        obstacle: { for: 'results', since, said: 'w' },
        backoffUntil: WAIT.until,
      },
      ...{ tries: 0, deliveryIds: ['d1'], batch: { outputFileId: 'seen' } },
    });
    expect(part).not.toHaveProperty('stalled');
    expect(part).not.toHaveProperty('lease');
    expect(world.log.lines).toMatchObject([{ code: 'results_do_not_agree', facts: { looks: 1, why: 'w' } }]);
  });

  it('raises the alarm after an hour', async () => {
    expect((await afterLook({}, 1)).world.metrics.of('ResultsWaiting')).toEqual([1]);
    expect((await afterLook({}, 0.99)).world.metrics.of('ResultsWaiting')).toEqual([]);
  });

  it.each<[string, PartFields]>([
    ['has another batch', { batch: aBatch({ batchId: 'batch_2', status: 'completed' }) }],
    ['runs again', { batch: aBatch() }],
  ])('is left alone if it %s meanwhile', async (_, fields) => {
    const { part } = await afterLook(fields);
    expect(part).toMatchObject({ tries: 3, deliveryIds: ['d1', 'd2'] });
  });
});

describe('results that the API will soon delete', () => {
  function reportsAfter(days: number, fields: PartFields = {}, endedAt?: number): number {
    const world = new SmallWorld();
    world.clock.advance(NOON + days * DAY - world.clock.now());
    const batch = aBatch({ status: 'completed', ...(endedAt === undefined ? {} : { endedAt }) });
    recordExpiring(world.ports, aPart({ batch, changedAt: NOON, ...fields }));
    expect(world.log.lines).toHaveLength(world.metrics.of('ResultsExpiring').length);
    return world.metrics.of('ResultsExpiring').length;
  }

  it('are reported 20 days after the end of their batch', () => {
    expect([reportsAfter(19.99), reportsAfter(20)]).toEqual([0, 1]);
    const early = { intent: { id: 'i', at: NOON - 5 * DAY, fileId: 'f', sendBy: NOON } };
    expect([reportsAfter(17.99, early, NOON - 2 * DAY), reportsAfter(18, early, NOON - 2 * DAY)]).toEqual([
      0, 1,
    ]);
  });

  it('are not believed to have ended before they were sent, or after that was seen', () => {
    expect([reportsAfter(19.99, {}, NOON - 9 * DAY), reportsAfter(20, {}, NOON + 9 * DAY)]).toEqual([0, 1]);
  });

  it('are not reported once they are delivered', () => {
    expect(reportsAfter(30, { phase: 'delivered' })).toBe(0);
  });
});
