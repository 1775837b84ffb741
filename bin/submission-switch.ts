import { changePart, without } from '../functions/shared/core/change.ts';
import type { Job } from '../functions/shared/core/job.ts';
import type { Part } from '../functions/shared/core/part.ts';
import type { Connection } from './connection.ts';
import { Failure } from './failure.ts';
import { allJobs } from './jobs.ts';

/** A job of which something is still to be sent. */
export interface WaitingJob {
  readonly job: Job;
  /** Parts that have no batch yet, or whose batch is to be tried again. */
  readonly parts: readonly Part[];
  /** Rows of these parts. */
  readonly rows: number;
}

const MOST_CONFLICTS = 25; // the poller writes the same item twice a minute
const CLOCK = { now: Date.now };

/** From now on nothing new is sent; answers whether that is news. Throws a Failure. */
export async function pauseSubmission(connection: Connection): Promise<{ changed: boolean }> {
  return { changed: await setPaused(connection, true) };
}

/** Ends the pause and makes everything that waited due at once; answers what that is. Throws a Failure. */
export async function resumeSubmission(
  connection: Connection,
): Promise<{ changed: boolean; waiting: WaitingJob[] }> {
  const changed = await setPaused(connection, false);
  if (!changed) return { changed, waiting: [] };
  const waiting = await waitingJobs(connection);
  for (const { parts } of waiting) {
    for (const part of parts) {
      // A message of the time of the pause led nowhere: the poller need not wait for it.
      await changePart({ ledger: connection.ledger, clock: CLOCK }, part, (now) =>
        now.handedOnUntil === undefined ? undefined : (without(now, 'handedOnUntil') as Part),
      );
    }
  }
  return { changed, waiting };
}

/** Every job of which something is still to be sent, oldest first. */
export async function waitingJobs(connection: Connection): Promise<WaitingJob[]> {
  const waiting: WaitingJob[] = [];
  for (const job of (await allJobs(connection)).toReversed()) {
    const { jobId, status, plan, cancelRequestedAt } = job;
    const open = status === 'accepted' || status === 'submitted';
    if (!open || plan === undefined || cancelRequestedAt !== undefined) continue;
    const parts = (await connection.ledger.partsOf(jobId, plan.planId)).filter(isToBeSent);
    const rows = parts.reduce((sum, part) => sum + part.rows, 0);
    if (parts.length > 0) waiting.push({ job, parts, rows });
  }
  return waiting;
}

function isToBeSent({ batch, ended, delivered, willRetry }: Part): boolean {
  return ended === undefined && delivered === undefined && (batch === undefined || willRetry === true);
}

async function setPaused({ ledger }: Connection, paused: boolean): Promise<boolean> {
  for (let conflicts = 0; conflicts < MOST_CONFLICTS; conflicts += 1) {
    const control = await ledger.readControl();
    if (control.paused === paused) return false;
    if (await ledger.replaceControl({ ...control, paused })) return true;
  }
  throw new Failure('The ledger is too busy to be changed just now: try again.');
}
