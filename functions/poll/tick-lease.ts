import { type Control, DUE_SHARDS } from '../shared/domain/ledger-records.ts';
import type { Deadline, Ports } from '../shared/ports/ports.ts';

/** What a tick leaves to the next. */
export type LeftOver = Pick<Control, 'nextShard' | 'observeFrom' | 'observeFirst' | 'full'>;

/** One poller at a time: its lease is in the ledger, and runs out with the turn. A tick that dies has moved on, too. */
export async function claimTick(
  deps: Pick<Ports, 'ledger' | 'clock' | 'ids'>,
  deadline: Deadline,
): Promise<{ before: Control; mine: Control } | undefined> {
  const before = await deps.ledger.readControl();
  const { pollLease } = before;
  if (pollLease && pollLease.until > deps.clock.now()) return undefined;
  const mine: Control = {
    ...before,
    pollLease: { holder: deps.ids.next(), until: deadline.until },
    nextShard: shardAfter(before.nextShard ?? 0),
  };
  return (await deps.ledger.replaceControl(mine)) ? { before, mine } : undefined;
}

export async function releaseTick(
  { ledger, log }: Pick<Ports, 'ledger' | 'log'>,
  mine: Control,
  { finishedAt, ...left }: LeftOver & { finishedAt: number | undefined },
): Promise<void> {
  try {
    for (;;) {
      const {
        pollLease,
        observeFrom: _,
        observeFirst: __,
        full: ___,
        ...control
      } = await ledger.readControl();
      if (pollLease?.holder !== mine.pollLease?.holder) return;
      const tickedAt = finishedAt ?? control.tickedAt;
      const released = { ...control, ...left, ...(tickedAt === undefined ? {} : { tickedAt }) };
      if (await ledger.replaceControl(released)) return; // else an operator paused or resumed meanwhile
    }
  } catch (failure) {
    log.warn('tick_not_released', { reason: failure instanceof Error ? failure.message : String(failure) });
  }
}

/** The shard that the tick after one from there begins at. */
export function shardAfter(shard: number): number {
  return (shard + 1) % DUE_SHARDS;
}
