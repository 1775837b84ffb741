import type { Job } from '../../functions/shared/domain/job.ts';
import type { Connection } from '../connection/connection.ts';
import { grouped, timeShown } from '../terminal/amounts.ts';
import { escapeControlCharacters } from '../terminal/escape-control-characters.ts';
import { estimateText } from '../terminal/estimate-text.ts';
import type { StatusLine } from '../terminal/status-line.ts';
import { followJob } from './follow-job.ts';
import { heldSentence } from './held-sentence.ts';
import type { Submission } from './put-file.ts';

const PAUSED = 'Submission is paused. To send waiting files: batchdrop resume';

/**
 * Waits until every job has ended and returns the jobs. Prints the estimate, and one line per status change. On a terminal, the status
 * line shows the completed rows and the elapsed time.
 */
export async function waitForJobs(
  connection: Connection,
  submissions: readonly Submission[],
  line: StatusLine,
): Promise<(Job | undefined)[]> {
  const startedAt = performance.now();
  const rows = new Map<string, { done: number; total: number }>();
  const estimated = new Set<string>();
  let ended = 0;
  const refresh = () => line.show(progress(rows, { ended, jobs: submissions.length }, startedAt));
  const follow = async ({ jobId, file }: Submission) => {
    const job = await followJob(connection, jobId, {
      onStatus: (seen) => {
        line.print(changeLine(file, jobId, seen));
        const estimate = estimated.has(seen.jobId) ? undefined : seen.plan?.estimate;
        if (!estimate) return;
        estimated.add(seen.jobId);
        line.print(`${escapeControlCharacters(file)}  ${estimateText(estimate)}`);
      },
      ...(line.isLive && {
        onProgress: (_: Job, known: { done: number; total: number }) => {
          rows.set(jobId, known);
          refresh();
        },
      }),
    });
    ended += 1;
    const total = job?.plan?.rows ?? 0;
    rows.set(jobId, { done: total, total });
    return job;
  };
  if ((await connection.ledger.readControl()).paused) line.print(PAUSED);
  const jobs = await Promise.all(submissions.map(follow));
  line.end();
  return jobs;
}

function changeLine(file: string, jobId: string, job: Job): string {
  const joined = job.jobId === jobId ? '' : ` (job ${job.jobId})`;
  const facts =
    job.rows === undefined
      ? ''
      : `  ${grouped(job.rows.succeeded)}/${grouped(job.rows.total)} rows succeeded`;
  const said = job.hold ? heldSentence(job.jobId, job.hold) : job.reason?.message;
  const reason = said === undefined ? '' : `  ${escapeControlCharacters(said)}`;
  return `${escapeControlCharacters(file)}  ${escapeControlCharacters(job.status)}${joined}${facts}${reason}`;
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
