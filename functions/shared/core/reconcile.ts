/**
 * One tick of POLL: the difference between what is and what should be, for every item that is due. The queues are the
 * fast path; what they lose is found here. Ticks start at different shards, so that one that runs out of time serves
 * others first the next time.
 */
import { type AdvanceDeps, advanceJob, advancePart, type Fared, quickPartSteps } from './advance.ts';
import { observePart } from './observe-part.ts';
import { type Control, DUE_SHARDS, type DueItem, type Ports, type Turn } from './ports.ts';
import { OpenBatches } from './readings.ts';

export type ReconcileDeps = AdvanceDeps & Pick<Ports, 'api' | 'ids'>;

const AT_ONCE = 32; // calls to the API side by side: far below its limits, and a thousand batches in a few seconds
const PER_SHARD = 1000;

/** What a tick did; `broken` items had a defect, or were in a shard that could not be read, and are tried again later. */
export interface Tick {
  looked: number;
  broken: number;
  outOfTime: boolean;
}

/** Undefined: another tick is still at it. Errors: RetryLater. */
export async function reconcile(deps: ReconcileDeps, turn: Turn): Promise<Tick | undefined> {
  const control = await claimTick(deps, turn);
  if (!control) return undefined;
  const tick: Tick = { looked: 0, broken: 0, outOfTime: false };
  const open = new OpenBatches();
  let finishedAt: number | undefined;
  try {
    await inParallel(shardOrder(deps.clock.now()), 4, async (shard) => {
      const items = await dueIn(deps, shard);
      if (!items) tick.broken += 1;
      await inParallel(items ?? [], AT_ONCE / 4, async (item) => {
        if (deps.clock.now() >= turn.until || turn.signal.aborted) {
          tick.outOfTime = true;
          return;
        }
        tick.looked += 1;
        if ((await look(deps, item, control.paused, open)) === 'broken') tick.broken += 1;
      });
    });
    finishedAt = deps.clock.now();
  } finally {
    await releaseTick(deps, control, finishedAt);
  }
  deps.metrics.record('Ticks', 1);
  open.record(deps.metrics, deps.clock.now());
  return tick;
}

/** Undefined when the shard cannot be read: the others are served all the same. */
async function dueIn({ ledger, clock, log }: ReconcileDeps, shard: number): Promise<DueItem[] | undefined> {
  try {
    return await ledger.due(shard, clock.now(), PER_SHARD);
  } catch (failure) {
    log.error('shard_not_read', { shard }, failure);
    return undefined;
  }
}

async function look(deps: ReconcileDeps, item: DueItem, paused: boolean, open: OpenBatches): Promise<Fared> {
  try {
    if (item.kind === 'job') return await advanceJob(deps, item.jobId, {});
    const carriers = {
      ...quickPartSteps(deps),
      observe: (part: Parameters<typeof observePart>[1]) => {
        open.add(part);
        return observePart(deps, part);
      },
    };
    return await advancePart(deps, item, carriers, paused);
  } catch (failure) {
    deps.log.error('item_not_served', { jobId: item.jobId, kind: item.kind }, failure);
    return 'broken';
  }
}

/** One poller at a time: its lease is in the ledger, and runs out with the turn. */
async function claimTick(deps: ReconcileDeps, turn: Turn): Promise<Control | undefined> {
  const control = await deps.ledger.readControl();
  const { pollLease } = control;
  if (pollLease && pollLease.until > deps.clock.now()) return undefined;
  const mine = { ...control, pollLease: { holder: deps.ids.next(), until: turn.until } };
  return (await deps.ledger.replaceControl(mine)) ? mine : undefined;
}

async function releaseTick(
  { ledger, log }: ReconcileDeps,
  mine: Control,
  finishedAt: number | undefined,
): Promise<void> {
  try {
    const { pollLease, ...control } = await ledger.readControl();
    const tickedAt = finishedAt ?? control.tickedAt;
    if (pollLease?.holder === mine.pollLease?.holder)
      await ledger.replaceControl({ ...control, ...(tickedAt === undefined ? {} : { tickedAt }) });
  } catch (failure) {
    log.warn('tick_not_released', { reason: failure instanceof Error ? failure.message : String(failure) });
  }
}

/** A different shard first in each minute. */
function shardOrder(now: number): number[] {
  const first = Math.floor(now / 60_000) % DUE_SHARDS;
  return Array.from({ length: DUE_SHARDS }, (_, index) => (first + index) % DUE_SHARDS);
}

async function inParallel<T>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = [...items];
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, worker));
}
