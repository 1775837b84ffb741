import { reportKey, resultKeys } from '../../../functions/shared/contract/result-keys.ts';
import type { Job } from '../../../functions/shared/domain/job.ts';
import { counted, grouped } from '../../terminal/amounts.ts';
import { escapeControlCharacters } from '../../terminal/escape-control-characters.ts';
import { fitted } from '../../terminal/fit-line.ts';
import { shortId } from '../../terminal/short-id.ts';
import type { ErrorReport } from '../details/error-kinds.ts';
import { retryCommand } from '../details/retry-command.ts';
import { hasEnded } from '../follow-job.ts';
import { unsuccessful } from './failed-rows.ts';

const SHOWN = 5;
const SHOWN_IDS = 2;

/** Where the results are. */
interface Place {
  readonly resultsBucket: string;
  readonly resultsPrefix?: string;
}

/**
 * Returns what a person needs to know of a job that did not end well: the first errors, where the report is, and the next command.
 * No line if every row succeeded. The lines are safe to print. Messages are cut to the terminal, places and commands never.
 */
export function failureDigest(
  file: string,
  job: Job | undefined,
  errors: ErrorReport,
  place: Place,
): string[] {
  return linesOf(file, job, errors, place).map(escapeControlCharacters);
}

function linesOf(file: string, job: Job | undefined, errors: ErrorReport, place: Place): string[] {
  if (job === undefined || !hasEnded(job)) return [];
  const id = shortId(job.jobId);
  const at = (key: string) => `  report: s3://${place.resultsBucket}/${key}`;
  if (job.status === 'rejected') {
    const { count, first } = job.findings;
    const lines = first
      .slice(0, SHOWN)
      .map(({ line, message }) =>
        fitted(
          escapeControlCharacters(`${file}${line === null ? '' : `:${line}`}: ${message}`),
          process.stderr,
        ),
      );
    return [
      ...lines,
      `${file}: rejected with ${counted(count, 'finding', 'findings')}; nothing was sent`,
      at(reportKey(job, place.resultsPrefix)),
      `  to get all findings: batchdrop results ${id}`,
    ];
  }
  if (!job.rows)
    return [`${file}: ${job.status}, and nothing was sent${job.reason ? `: ${job.reason.message}` : ''}`];
  const failed = unsuccessful(job.rows);
  if (failed === 0) return [];
  return [
    `${file}: ${grouped(failed)} of ${counted(job.rows.total, 'row', 'rows')} did not succeed`,
    ...errorLines(errors).map((line) => fitted(escapeControlCharacters(line), process.stderr)),
    at(resultKeys(job, place.resultsPrefix).errors),
    `  to see all about it: batchdrop show ${id}`,
    `  to run them again: ${retryCommand(job, job.rows)}`,
  ];
}

/** Returns a line for each kind of error, as `show` prints it, too. */
export function errorLines({ kinds, rows, sampled, problem }: ErrorReport): string[] {
  const width = Math.max(...kinds.slice(0, SHOWN).map(({ count }) => grouped(count).length), 1);
  const lines = kinds
    .slice(0, SHOWN)
    .map(
      ({ code, count, message, customIds }) =>
        `  ${grouped(count).padStart(width)}  ${code}, ${customIds.slice(0, SHOWN_IDS).join(', ')}${count > SHOWN_IDS ? ', …' : ''}: ${message}`,
    );
  return [
    ...lines,
    ...(kinds.length > SHOWN ? [`  and ${kinds.length - SHOWN} other kinds of error`] : []),
    ...(sampled ? [`  (counted in the first ${grouped(rows)} of them)`] : []),
    ...(problem === undefined ? [] : [`  ${problem}`]),
  ];
}
