import { isOver, type Job } from '../../functions/shared/domain/job.ts';
import type { Part } from '../../functions/shared/domain/part.ts';
import { sizeLeft } from '../../functions/shared/domain/part.ts';
import { without } from '../../functions/shared/domain/without.ts';
import { changePart } from '../../functions/shared/lifecycle/compare-and-set.ts';
import type { Connection } from '../connection/connection.ts';
import { Failure } from '../terminal/failure.ts';

/** A job with rows that are not sent yet. */
export interface WaitingJob {
  readonly job: Job;
  /** Parts that were never sent, or whose batch will be tried again. */
  readonly parts: readonly Part[];
  /** How many rows these parts have. */
  readonly rows: number;
}

const MAX_CONFLICTS = 25; // POLL writes the same item twice per minute
const CLOCK = { now: Date.now };

/** Pauses submission. `changed` is false if it was already paused. Throws a Failure. */
export async function pauseSubmission(connection: Connection): Promise<{ changed: boolean }> {
  return { changed: await setPaused(connection, true) };
}

/** Resumes submission, makes all waiting parts due at once, and returns their jobs. Throws a Failure. */
export async function resumeSubmission(
  connection: Connection,
): Promise<{ changed: boolean; waiting: WaitingJob[] }> {
  const changed = await setPaused(connection, false);
  if (!changed) return { changed, waiting: [] };
  const waiting = await whatIsToBeSent(connection);
  for (const { parts } of waiting) {
    for (const part of parts) {
      // A message that was sent during the pause had no effect, so POLL need not wait for it.
      await changePart({ ledger: connection.ledger, clock: CLOCK }, part, (now) =>
        now.dispatchedUntil === undefined ? undefined : without(now, 'dispatchedUntil'),
      );
    }
  }
  return { changed, waiting };
}

/**
 * Returns every job with rows that are not sent yet, oldest first. It omits parts whose create request had no response,
 * because they may already have a batch. `known`: job ids that the index may not show at the moment, because their
 * items are just being written.
 */
export async function whatIsToBeSent(
  connection: Pick<Connection, 'ledger' | 'queries'>,
  known: Iterable<string> = [],
): Promise<WaitingJob[]> {
  const waiting: WaitingJob[] = [];
  for (const job of await openJobs(connection, known)) {
    const { jobId, status, plan, cancelRequestedAt } = job;
    if (status === 'received' || status === 'unapproved') continue; // nothing is sent for it yet
    if (plan === undefined || cancelRequestedAt !== undefined) continue;
    const all = await connection.ledger.partsOf(jobId, plan.planId);
    const parts = all.filter((part) => isOpen(part) && !isUnsure(part));
    const rows = parts.reduce((sum, part) => sum + sizeLeft(part).rows, 0);
    if (parts.length > 0) waiting.push({ job, parts, rows });
  }
  return waiting;
}

async function openJobs(
  { ledger, queries }: Pick<Connection, 'ledger' | 'queries'>,
  known: Iterable<string>,
): Promise<Job[]> {
  const jobs = await queries.openJobs();
  for (const jobId of known) {
    const job = jobs.some((found) => found.jobId === jobId) ? undefined : await ledger.readJob(jobId);
    if (job && !isOver(job)) jobs.push(job);
  }
  return jobs;
}

/** Returns whether the part may have rows that are not sent yet. */
function isOpen({ phase }: Part): boolean {
  switch (phase) {
    case 'running':
    case 'batch_ended':
    case 'ended':
    case 'delivered':
      return false;
    default:
      return true;
  }
}

/**
 * Returns whether the create request had no response. POLL then searches for the batch, and the part is sent again only
 * if there is none.
 */
function isUnsure({ phase }: Part): boolean {
  return phase === 'creating';
}

async function setPaused({ ledger }: Connection, paused: boolean): Promise<boolean> {
  for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts += 1) {
    const control = await ledger.readControl();
    if (control.paused === paused) return false;
    if (await ledger.replaceControl({ ...control, paused })) return true;
  }
  throw new Failure('Other processes changed the ledger at the same time. Try again.');
}
