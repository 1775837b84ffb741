import { type Control, DUE_SHARDS, IDLE_TICK_NOTED_MS } from '../shared/domain/ledger-records.ts';
import { type MeasuredRows, type UsedRows, withMeasured } from '../shared/domain/money/measured-rows.ts';
import { without } from '../shared/domain/without.ts';
import type { Deadline, Ports } from '../shared/ports/ports.ts';

/** The fields of the control item that a tick writes anew, or leaves out. */
const PASSED_ON = [
  'observeFrom',
  'observeFirst',
  'observedAt',
  'full',
  'limited',
  'partsWait',
  'idle',
] as const;

/** The state that a tick passes to the next one. */
export type TickState = Pick<Control, 'nextShard' | (typeof PASSED_ON)[number]>;

/** Why a tick runs: because it is time, or because a batch has ended, which frees capacity for parts that wait. */
export type TickCause = 'schedule' | 'end';

/**
 * Claims the tick lease, which ends with the invocation's deadline. Returns the control item with the lease; undefined if another
 * tick has it. The claim also advances the first shard, so that a tick after a crash does not begin at the same shard again.
 * Errors: RetryableError.
 */
export async function claimTick(
  { ledger, clock, ids, log }: Pick<Ports, 'ledger' | 'clock' | 'ids' | 'log'>,
  before: Control,
  deadline: Deadline,
): Promise<Control | undefined> {
  const mine: Control = {
    ...before,
    pollLease: { holder: ids.next(), until: deadline.until },
    nextShard: shardAfter(before.nextShard ?? 0),
  };
  const isFree = !before.pollLease || before.pollLease.until <= clock.now();
  if (isFree && (await ledger.replaceControl(mine))) return { ...mine, version: mine.version + 1 };
  log.info('tick_already_running');
  return undefined;
}

/**
 * Returns whether a tick may end without a lease if it finds nothing: the last one found nothing either, so there is no state to
 * pass on, no breaker is open, and it has not been long since a tick stored that it ran.
 */
export function mayRest({ idle, tickedAt, breakers = [] }: Control, now: number): boolean {
  return (
    idle === true && breakers.length === 0 && tickedAt !== undefined && now < tickedAt + IDLE_TICK_NOTED_MS
  );
}

/**
 * Stores the state for the next tick and what completed batches used, and ends the lease, if this tick still has it. A
 * failure is only logged, because the lease expires.
 */
export async function releaseTick(
  { ledger, clock, log }: Pick<Ports, 'ledger' | 'clock' | 'log'>,
  mine: Control,
  { finishedAt, used, ...state }: TickState & { finishedAt: number | undefined; used: readonly UsedRows[] },
): Promise<void> {
  try {
    for (let inHand = mine; ; inHand = await ledger.readControl()) {
      const { pollLease, ...found } = inHand;
      if (pollLease?.holder !== mine.pollLease?.holder) return;
      const control = without(found, ...PASSED_ON);
      const tickedAt = finishedAt ?? control.tickedAt;
      const released = {
        ...control,
        ...state,
        ...measuredAfter(control, used, clock.now()),
        ...(tickedAt === undefined ? {} : { tickedAt }),
      };
      if (await ledger.replaceControl(released)) return; // after a conflict: an operator has paused or resumed
    }
  } catch (failure) {
    log.warn('tick_not_released', { reason: failure instanceof Error ? failure.message : String(failure) });
  }
}

function measuredAfter(
  { measured }: Control,
  used: readonly UsedRows[],
  now: number,
): Pick<Control, 'measured'> {
  const all = used.reduce<MeasuredRows[]>((known, one) => withMeasured(known, one, now), measured ?? []);
  return all.length === 0 ? {} : { measured: all };
}

/** Returns the shard after this one. */
export function shardAfter(shard: number): number {
  return (shard + 1) % DUE_SHARDS;
}
