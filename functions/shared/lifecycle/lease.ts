import type { Job, Lease } from '../domain/job.ts';
import type { Part, PartRef } from '../domain/part.ts';
import type { Ports } from '../ports/ports.ts';
import { changeJob, changePart, without } from './compare-and-set.ts';

type Deps = Pick<Ports, 'ledger' | 'clock' | 'ids'>;

/** Thrown when another has taken over: whoever sees it stops and leaves things as they are. */
export class LostLease extends Error {
  override readonly name = 'LostLease';
}

/** A part under a lease: changes go through only while the lease is this holder's. */
export interface LeasedPart {
  /** The part as of the last change. */
  part: Part;
  readonly until: number;
  /** Errors: LostLease, RetryableError. */
  change(decide: (part: Part) => Part | undefined): Promise<Part>;
}

/** Runs `work` with the part under a lease; undefined when it is somebody else's, or not there. */
export async function withPartLease<T>(
  deps: Deps,
  ref: PartRef,
  until: number,
  work: (leased: LeasedPart) => Promise<T>,
): Promise<T | undefined> {
  const lease: Lease = { holder: deps.ids.next(), until };
  const claimed = await changePart(deps, ref, (part) =>
    isFree(part, lease, deps.clock.now()) ? { ...part, lease } : undefined,
  );
  if (claimed?.part.lease?.holder !== lease.holder) return undefined;
  const leased: LeasedPart = {
    part: claimed.part,
    until,
    async change(decide) {
      const answer = await changePart(deps, ref, (part) =>
        part.lease?.holder === lease.holder ? decide(part) : undefined,
      );
      if (answer?.part.lease?.holder !== lease.holder) throw new LostLease(`part ${ref.jobId}/${ref.number}`);
      leased.part = answer.part;
      return answer.part;
    },
  };
  try {
    return await work(leased);
  } finally {
    // Left standing when this fails: it runs out by itself.
    await changePart(deps, ref, (part) =>
      part.lease?.holder === lease.holder ? (without(part, 'lease', 'dispatchedUntil') as Part) : undefined,
    ).catch(() => undefined);
  }
}

/** A job under a lease. */
export interface LeasedJob {
  job: Job;
  change(decide: (job: Job) => Job | undefined): Promise<Job>;
}

/** The same for a job. */
export async function withJobLease<T>(
  deps: Deps,
  jobId: string,
  until: number,
  work: (leased: LeasedJob) => Promise<T>,
): Promise<T | undefined> {
  const lease: Lease = { holder: deps.ids.next(), until };
  const claimed = await changeJob(deps, jobId, (job) =>
    isFree(job, lease, deps.clock.now()) ? { ...job, lease } : undefined,
  );
  if (claimed?.job.lease?.holder !== lease.holder) return undefined;
  const leased: LeasedJob = {
    job: claimed.job,
    async change(decide) {
      const answer = await changeJob(deps, jobId, (job) =>
        job.lease?.holder === lease.holder ? decide(job) : undefined,
      );
      if (answer?.job.lease?.holder !== lease.holder) throw new LostLease(`job ${jobId}`);
      leased.job = answer.job;
      return answer.job;
    },
  };
  try {
    return await work(leased);
  } finally {
    await changeJob(deps, jobId, (job) =>
      job.lease?.holder === lease.holder ? (without(job, 'lease', 'dispatchedUntil') as Job) : undefined,
    ).catch(() => undefined);
  }
}

function isFree(item: { lease?: Lease }, lease: Lease, now: number): boolean {
  return !item.lease || item.lease.until <= now || item.lease.holder === lease.holder;
}
