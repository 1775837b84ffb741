import { RetryableError } from '../domain/errors.ts';
import type { Job } from '../domain/job.ts';
import { jobDueAt, partDueAt } from '../domain/next-step.ts';
import type { Part, PartRef } from '../domain/part.ts';
import type { Ports } from '../ports/ports.ts';

const MAX_CONFLICTS = 25; // a dozen writers at once is already far more than the functions make

type LedgerAndClock = Pick<Ports, 'ledger' | 'clock'>;

/**
 * Changes a part by compare-and-set: `decide` gets the part as it is now and answers what it shall be, or undefined to
 * leave it. On a conflict it is asked again with the newer part, so it has to be a pure function of what it gets, and
 * to recognise its own work: a write that seemed to fail may have been stored. Errors: RetryableError.
 */
export async function changePart(
  { ledger, clock }: LedgerAndClock,
  ref: PartRef,
  decide: (part: Part) => Part | undefined,
): Promise<{ part: Part; changed: boolean } | undefined> {
  for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts += 1) {
    const part = await ledger.readPart(ref);
    if (!part) return undefined;
    const wanted = decide(part);
    if (!wanted) return { part, changed: false };
    const next = withDueAt(wanted, partDueAt(wanted, clock.now()));
    if (await ledger.replacePart(next))
      return { part: { ...next, version: part.version + 1 }, changed: true };
  }
  throw new RetryableError(`change part ${ref.jobId}/${ref.number}: ${MAX_CONFLICTS} conflicts in a row`);
}

/** The same for a job. */
export async function changeJob(
  { ledger, clock }: LedgerAndClock,
  jobId: string,
  decide: (job: Job) => Job | undefined,
): Promise<{ job: Job; changed: boolean } | undefined> {
  for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts += 1) {
    const job = await ledger.readJob(jobId);
    if (!job) return undefined;
    const wanted = decide(job);
    if (!wanted) return { job, changed: false };
    const next = withDueAt(wanted, jobDueAt(wanted, clock.now()));
    if (await ledger.replaceJob(next)) return { job: { ...next, version: job.version + 1 }, changed: true };
  }
  throw new RetryableError(`change job ${jobId}: ${MAX_CONFLICTS} conflicts in a row`);
}

/** Sets or removes `dueAt`. */
export function withDueAt<T extends { dueAt?: number }>(item: T, dueAt: number | undefined): T {
  const { dueAt: _, ...rest } = item;
  return (dueAt === undefined ? rest : { ...rest, dueAt }) as T;
}

/** The item without the named fields, for what must be absent and not undefined. */
export function without<T extends object, K extends keyof T>(item: T, ...names: K[]): Omit<T, K> {
  const copy = { ...item };
  for (const name of names) delete copy[name];
  return copy;
}
