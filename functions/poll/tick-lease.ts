import { type Control, DUE_SHARDS } from '../shared/domain/ledger-records.ts';
import { type MeasuredRows, type UsedRows, withMeasured } from '../shared/domain/money/measured-rows.ts';
import { without } from '../shared/domain/without.ts';
import type { Deadline, Ports } from '../shared/ports/ports.ts';

/** The fields of the control item that a tick writes anew, or leaves out. */
const PASSED_ON = ['observeFrom', 'observeFirst', 'observedAt', 'full', 'limited', 'partsWait'] as const;

/** The state that a tick passes to the next one. */
export type TickState = Pick<Control, 'nextShard' | (typeof PASSED_ON)[number]>;

/** Why a tick runs: because it is time, or because a batch has ended, which frees capacity for parts that wait. */
export type TickCause = 'schedule' | 'end';

/**
 * Claims the tick lease, which ends with the invocation's deadline; returns undefined if another tick has it, or if the
 * cause is an end and no part waited at the last tick. The claim also advances the first shard, so that a tick after a
 * crash does not begin at the same shard again. Errors: RetryableError.
 */
export async function claimTick(
  deps: Pick<Ports, 'ledger' | 'clock' | 'ids' | 'log'>,
  deadline: Deadline,
  cause: TickCause,
): Promise<{ before: Control; mine: Control } | undefined> {
  const before = await deps.ledger.readControl();
  const { pollLease, partsWait } = before;
  if (cause === 'end' && !partsWait) {
    deps.log.info('tick_not_needed');
    return undefined;
  }
  const mine: Control = {
    ...before,
    pollLease: { holder: deps.ids.next(), until: deadline.until },
    nextShard: shardAfter(before.nextShard ?? 0),
  };
  const isFree = !pollLease || pollLease.until <= deps.clock.now();
  if (isFree && (await deps.ledger.replaceControl(mine))) return { before, mine };
  deps.log.info('tick_already_running');
  return undefined;
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
    for (;;) {
      const { pollLease, ...found } = await ledger.readControl();
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
