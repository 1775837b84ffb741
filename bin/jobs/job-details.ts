/** All that is known of one job: what `batchdrop show` prints and the console shows. */
import { resultFileKeys } from '../../functions/shared/contract/result-keys.ts';
import { isOver, type Job } from '../../functions/shared/domain/job.ts';
import type { Part } from '../../functions/shared/domain/part.ts';
import { withPast } from '../../functions/shared/lifecycle/spending/past-attempts.ts';
import type { Ledger, ResultStore } from '../../functions/shared/ports/ports.ts';
import { type ErrorReport, errorReport } from './details/error-kinds.ts';
import { type PartDetails, partDetails } from './details/job-parts.ts';
import { nextStepOf } from './details/next-step.ts';
import { rowsDone } from './details/progress.ts';
import { type TimelineEntry, timelineOf } from './details/timeline.ts';

/** All that is known of one job. */
export interface JobDetails {
  readonly job: Job;
  /** Oldest first. */
  readonly timeline: readonly TimelineEntry[];
  /** The first 200. */
  readonly parts: readonly PartDetails[];
  /** How many parts there are in all. 0 before the file is planned. */
  readonly partCount: number;
  /** Rows that the API has processed, by its last reports, and the planned rows. */
  readonly progress: { readonly done: number; readonly total: number };
  readonly errors: ErrorReport;
  /** What happens next, or which command ends the wait; a sentence or two. */
  readonly nextStep: string;
  /** The files in the results bucket. Size in bytes. */
  readonly files: readonly ResultFile[];
}

/** A file in the results bucket. The key begins without `resultsPrefix`. */
export interface ResultFile {
  readonly name: string;
  readonly key: string;
  readonly size: number;
}

interface Deps {
  readonly ledger: Ledger;
  readonly results: Pick<ResultStore, 'read' | 'size'>;
}

const SHOWN_PARTS = 200;

/** Returns all that is known of a job. Errors: those of the ledger. */
export async function jobDetails({ ledger, results }: Deps, job: Job): Promise<JobDetails> {
  const [all, { paused }, errors, files] = await Promise.all([
    partsOf(ledger, job),
    ledger.readControl(),
    errorReport(results, job),
    filesOf(results, job),
  ]);
  const parts: PartDetails[] = [];
  for (const part of all.slice(0, SHOWN_PARTS)) parts.push(partDetails(await withPast({ ledger }, part)));
  return {
    job,
    timeline: timelineOf(job, parts),
    parts,
    partCount: job.plan?.parts ?? 0,
    progress: progressOf(job, all),
    errors,
    nextStep: nextStepOf(job, all, paused),
    files,
  };
}

async function partsOf(ledger: Ledger, { jobId, plan, onlyPart }: Job): Promise<Part[]> {
  if (!plan) return [];
  const stored = await ledger.partsOf(jobId, plan.planId);
  return stored.length === 0 && onlyPart ? [onlyPart] : stored;
}

function progressOf({ plan, rows }: Job, parts: readonly Part[]): JobDetails['progress'] {
  if (rows) return { done: rows.total, total: rows.total };
  return { done: rowsDone(parts), total: plan?.rows ?? 0 };
}

async function filesOf(results: Pick<ResultStore, 'size'>, job: Job): Promise<ResultFile[]> {
  if (!isOver(job) || job.status === 'joined') return [];
  const found = await Promise.all(
    resultFileKeys(job).map(async ({ name, key }) => {
      const size = await results.size(key).catch(() => undefined); // without rights to read it: not listed
      return size === undefined ? [] : [{ name, key, size }];
    }),
  );
  return found.flat();
}
