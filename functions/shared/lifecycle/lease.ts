/**
 * Leases: while a lease lasts, no other invocation works on the item. The claim is stored with the first change under
 * the lease, and the release may be stored with the last one (`released`). A lease therefore adds few writes.
 */
import type { Job } from '../domain/job.ts';
import type { Lease } from '../domain/lease.ts';
import type { Part } from '../domain/part.ts';
import { without } from '../domain/without.ts';
import type { Ports } from '../ports/ports.ts';
import type { Decide, InHand, JobInHand, PartInHand } from './compare-and-set.ts';

type Deps = Pick<Ports, 'clock' | 'ids'>;

/** Thrown if another invocation has the lease: stop without another change. */
export class LostLease extends Error {
  override readonly name = 'LostLease';
}

/** An item under a lease. Changes succeed only while this invocation has the lease. */
interface Leased<Item> {
  /** The item as of the last change. */
  readonly item: Item;
  /**
   * Whether the item has this lease. A change that returns false stores no claim, because another invocation may
   * already have made the change.
   */
  readonly isHeld: boolean;
  /** The end of the lease, in milliseconds. Do nothing irrevocable after it. */
  readonly until: number;
  /**
   * Stores the claim if no change has stored it yet. Call this before the first effect outside the ledger, and look at
   * the item after it: another invocation may have changed it meanwhile. Errors: those of `change`.
   */
  claim(): Promise<void>;
  /** Changes the item; returns false if there was nothing to change. Errors: LostLease, RetryableError. */
  change(decide: Decide<Item>): Promise<boolean>;
  /**
   * Returns the item without this lease, for the last change under it. It does not remove another invocation's lease.
   */
  released(item: Item): Item;
}

export type LeasedPart = Leased<Part>;
export type LeasedJob = Leased<Job>;

/**
 * Runs `work` with the part under a lease; returns undefined if another invocation has one. Errors: those of `work`,
 * LostLease.
 */
export function withPartLease<T>(
  deps: Deps,
  inHand: PartInHand,
  until: number,
  work: (leased: LeasedPart) => Promise<T>,
): Promise<T | undefined> {
  return withLease<Part, T>(deps, inHand, until, work, {
    claimed: (part, lease) => ({ ...part, lease }),
    released: (part) => without(part, 'lease', 'dispatchedUntil'),
  });
}

/**
 * Runs `work` with the job under a lease; returns undefined if another invocation has one. Errors: those of `work`,
 * LostLease.
 */
export function withJobLease<T>(
  deps: Deps,
  inHand: JobInHand,
  until: number,
  work: (leased: LeasedJob) => Promise<T>,
): Promise<T | undefined> {
  return withLease<Job, T>(deps, inHand, until, work, {
    claimed: (job, lease) => ({ ...job, lease }),
    released: (job) => without(job, 'lease', 'dispatchedUntil'),
  });
}

/**
 * Returns the job with the interface of a lease, but excludes no other invocation. For work that two invocations may do
 * at the same time.
 */
export function withoutLease(inHand: JobInHand, until: number): LeasedJob {
  return {
    get item() {
      return inHand.item;
    },
    isHeld: false,
    until,
    claim: () => Promise.resolve(),
    change: (decide) => inHand.change(decide),
    released: (job) => job,
  };
}

type Leasable = { version: number; dueAt?: number; lease?: Lease };

async function withLease<Item extends Leasable, T>(
  { clock, ids }: Deps,
  inHand: InHand<Item>,
  until: number,
  work: (leased: Leased<Item>) => Promise<T>,
  how: { claimed: (item: Item, lease: Lease) => Item; released: (item: Item) => Item },
): Promise<T | undefined> {
  const lease: Lease = { holder: ids.next(), until };
  const isOurs = (item: Item) => item.lease?.holder === lease.holder;
  if (!isFree(inHand.item, clock.now())) return undefined;
  let isClaimed = false;
  const change = async (decide: Decide<Item>): Promise<boolean> => {
    let isLost = false;
    const changed = await inHand.change((item) => {
      isLost = !isOurs(item) && (isClaimed || !isFree(item, clock.now()));
      if (isLost) return undefined;
      return decide(isOurs(item) ? item : how.claimed(item, lease));
    });
    if (isLost) throw new LostLease(inHand.kind.nameOf(inHand.ref));
    isClaimed ||= changed;
    return changed;
  };
  const leased: Leased<Item> = {
    get item() {
      return inHand.item;
    },
    get isHeld() {
      return isOurs(inHand.item);
    },
    until,
    change,
    async claim() {
      if (!isOurs(inHand.item)) await change((item) => item);
    },
    released: (item) => (isOurs(item) ? how.released(item) : item),
  };
  try {
    return await work(leased);
  } finally {
    // If this fails, the lease expires by itself.
    if (isClaimed && isOurs(inHand.item))
      await inHand.change((item) => (isOurs(item) ? how.released(item) : undefined)).catch(() => undefined);
  }
}

function isFree({ lease }: Leasable, now: number): boolean {
  return !lease || lease.until <= now;
}
