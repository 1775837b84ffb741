import type { Job } from '../../functions/shared/domain/job.ts';
import type { Part } from '../../functions/shared/domain/part.ts';
import { attemptSize } from '../../functions/shared/domain/part.ts';
import { without } from '../../functions/shared/domain/without.ts';
import { changePart } from '../../functions/shared/lifecycle/compare-and-set.ts';
import type { Connection } from '../connection/connection.ts';
import { Failure } from '../terminal/failure.ts';

/** A job of which something is still to be sent. */
export interface WaitingJob {
  readonly job: Job;
  /** Parts of which nothing was sent yet, or whose batch is to be tried again. */
  readonly parts: readonly Part[];
  /** Rows of these parts. */
  readonly rows: number;
}

const MAX_CONFLICTS = 25; // the poller writes the same item twice a minute
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
  const { waiting } = await whatIsToBeSent(connection);
  for (const { parts } of waiting) {
    for (const part of parts) {
      // A message of the time of the pause led nowhere: the poller need not wait for it.
      await changePart({ ledger: connection.ledger, clock: CLOCK }, part, (now) =>
        now.dispatchedUntil === undefined ? undefined : without(now, 'dispatchedUntil'),
      );
    }
  }
  return { changed, waiting };
}

/** Every job of which something is still to be sent, oldest first; and how many parts may turn out to belong to it. */
export async function whatIsToBeSent(
  connection: Connection,
): Promise<{ waiting: WaitingJob[]; unsureParts: number }> {
  const waiting: WaitingJob[] = [];
  let unsureParts = 0;
  for (const job of await connection.queries.openJobs()) {
    const { jobId, status, plan, cancelRequestedAt } = job;
    if (status === 'received' || plan === undefined || cancelRequestedAt !== undefined) continue;
    const all = (await connection.ledger.partsOf(jobId, plan.planId)).filter(isOpen);
    unsureParts += all.filter(isUnsure).length;
    const parts = all.filter((part) => !isUnsure(part));
    const rows = parts.reduce((sum, part) => sum + attemptSize(part).rows, 0);
    if (parts.length > 0) waiting.push({ job, parts, rows });
  }
  return { waiting, unsureParts };
}

/** Its rows are still to be sent, or may be. */
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

/** It was sent and the response was lost: its batch is searched for, and only if there is none is it sent again. */
function isUnsure({ phase }: Part): boolean {
  return phase === 'creating';
}

async function setPaused({ ledger }: Connection, paused: boolean): Promise<boolean> {
  for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts += 1) {
    const control = await ledger.readControl();
    if (control.paused === paused) return false;
    if (await ledger.replaceControl({ ...control, paused })) return true;
  }
  throw new Failure('The ledger is too busy to be changed just now: try again.');
}
