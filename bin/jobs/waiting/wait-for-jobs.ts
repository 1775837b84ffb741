import { isOver, type Job } from '../../../functions/shared/domain/job.ts';
import type { Connection } from '../../connection/connection.ts';
import { grouped, timeShown } from '../../terminal/amounts.ts';
import { escapeControlCharacters } from '../../terminal/escape-control-characters.ts';
import { estimateText } from '../../terminal/estimate-text.ts';
import { fitted } from '../../terminal/fit-line.ts';
import type { StatusLine } from '../../terminal/status-line.ts';
import { PAUSED } from '../details/wait-end.ts';
import { followJob } from '../follow-job.ts';
import { heldSentence } from '../held-sentence.ts';
import { expectedDurations } from './expected-duration.ts';

/** A job to wait for, and the name under which its lines are printed. */
export interface AwaitedJob {
  readonly jobId: string;
  readonly file: string;
}

/**
 * Waits until every job has ended, or until `signal`, and returns the jobs as they were seen last. Prints the estimate, and one line
 * per status change. On a terminal, the status line shows the completed rows and the elapsed time.
 */
export async function waitForJobs(
  connection: Connection,
  awaited: readonly AwaitedJob[],
  line: StatusLine,
  signal?: AbortSignal,
): Promise<(Job | undefined)[]> {
  const startedAt = performance.now();
  const rows = new Map<string, { done: number; total: number }>();
  const estimated = new Set<string>();
  let ended = 0;
  const durations = await expectedDurations(connection);
  const refresh = () => line.show(progress(rows, { ended, jobs: awaited.length }, startedAt));
  const print = (file: string, text: string) => line.print(`${escapeControlCharacters(file)}  ${text}`);
  const follow = async ({ jobId, file }: AwaitedJob) => {
    const job = await followJob(connection, jobId, {
      onStatus: (seen) => {
        line.print(fitted(`${escapeControlCharacters(file)}  ${changeText(jobId, seen)}`));
        if (!seen.plan || estimated.has(seen.jobId)) return;
        estimated.add(seen.jobId);
        if (seen.plan.estimate) print(file, estimateText(seen.plan.estimate));
        if (!isOver(seen)) for (const text of durations(seen.plan.rows)) print(file, text);
      },
      ...(line.isLive && {
        onProgress: (_: Job, known: { done: number; total: number }) => {
          rows.set(jobId, known);
          refresh();
        },
      }),
      ...(signal && { signal }),
    });
    ended += 1;
    const total = job?.plan?.rows ?? 0;
    rows.set(jobId, { done: total, total });
    return job;
  };
  if ((await connection.ledger.readControl()).paused) line.print(PAUSED);
  const jobs = await Promise.all(awaited.map(follow));
  line.end();
  return jobs;
}

function changeText(jobId: string, job: Job): string {
  const joined = job.jobId === jobId ? '' : ` (job ${job.jobId})`;
  const facts =
    job.rows === undefined
      ? ''
      : `  ${grouped(job.rows.succeeded)}/${grouped(job.rows.total)} rows succeeded`;
  const said = job.hold ? heldSentence(job.jobId, job.hold) : job.reason?.message;
  const reason = said === undefined ? '' : `  ${escapeControlCharacters(said)}`;
  return `${escapeControlCharacters(job.status)}${joined}${facts}${reason}`;
}

function progress(
  rows: ReadonlyMap<string, { done: number; total: number }>,
  { ended, jobs }: { ended: number; jobs: number },
  startedAt: number,
): string {
  const known = [...rows.values()];
  const done = known.reduce((sum, row) => sum + row.done, 0);
  const total = known.reduce((sum, row) => sum + row.total, 0);
  const files = jobs === 1 ? [] : [`${ended}/${jobs} files`];
  const time = timeShown(performance.now() - startedAt);
  return [...files, `${grouped(done)}/${grouped(total)} rows`, time].join('  ');
}
