/** The details of a job for people, in at most 80 columns where the facts allow it. */
import { styleText } from 'node:util';
import type { RowCounts } from '../../../functions/shared/contract/events.ts';
import type { Job } from '../../../functions/shared/domain/job.ts';
import { retriedJob } from '../../../functions/shared/domain/job.ts';
import type { PlaceTime } from '../../connection/server-time.ts';
import { bytesShown, counted, durationShown, grouped, momentShown, rounded } from '../../terminal/amounts.ts';
import { tableLines } from '../../terminal/columns.ts';
import { escapeControlCharacters } from '../../terminal/escape-control-characters.ts';
import { costText } from '../../terminal/estimate-text.ts';
import { colorOf, waitingFor } from '../../terminal/event-line.ts';
import { fitted } from '../../terminal/fit-line.ts';
import { moneyShown } from '../../terminal/money.ts';
import type { JobDetails } from '../job-details.ts';
import { errorLines } from '../waiting/failure-digest.ts';
import type { PartDetails } from './job-parts.ts';
import type { TimelineEntry } from './timeline.ts';

const SHOWN_PARTS = 20;
const SHOWN_ENTRIES = 40;
const SHOWN_FINDINGS = 5;
const LABEL_WIDTH = 10;

/** Returns the lines. They are safe to print. `resultsBucket`: the place of the files. */
export function showLines(
  details: JobDetails,
  { now, isSimulated }: PlaceTime,
  place: { readonly resultsBucket: string; readonly resultsPrefix?: string },
): string[] {
  const { job, files, nextStep } = details;
  const status = styleText(colorOf(job.status), job.status);
  const sections = [
    factLines(details, now, isSimulated),
    section(`Timeline (UTC${isSimulated ? ', simulated' : ''})`, timelineLines(details)),
    section('Batches', batchLines(details)),
    section('Findings', findingLines(job)),
    section('Errors', errorLines(details.errors)),
  ];
  return [
    `Job ${job.jobId}  ${status}`,
    ...sections.flat().map((line) => fitted(escapeKept(line))),
    ...(files.length === 0 ? [] : fileLines(details, place)),
    '',
    // Whole, also if they wrap: each sentence ends with the command.
    ...nextStep
      .split(/(?<=\S)\. (?=To )/)
      .map((each, at) => escapeControlCharacters(`${at === 0 ? 'Next: ' : '      '}${each}`)),
  ];
}

/** Titles and tables have colors of their own, and their texts are escaped where they are made. */
function escapeKept(line: string): string {
  return line.startsWith('\u001b') ? line : escapeControlCharacters(line);
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', styleText('bold', title), ...lines];
}

/** The folder is never cut, so that it can be copied. */
function fileLines(
  { job, files }: JobDetails,
  { resultsBucket, resultsPrefix = '' }: { readonly resultsBucket: string; readonly resultsPrefix?: string },
): string[] {
  const width = Math.max(...files.map(({ name }) => name.length));
  const [first] = files;
  const folder = first?.key.slice(0, -first.name.length) ?? job.request.key;
  return [
    '',
    styleText('bold', 'Files'),
    escapeControlCharacters(`  s3://${resultsBucket}/${resultsPrefix}${folder}`),
    ...files.map(({ name, size }) => `    ${name.padEnd(width)}  ${bytesShown(size)}`),
  ];
}

function factLines({ job, progress }: JobDetails, now: number, isSimulated: boolean): string[] {
  const { request, createdAt, plan, rows, usage, cost, reason } = job;
  const age = `${durationShown(now - createdAt)} ago`;
  const tags = Object.entries(request.metadata).map(([name, value]) => `${name}=${value}`);
  const instructions = Object.entries(request.instructions).map(([name, value]) => `${name}=${value}`);
  const retryOf = retriedJob(job);
  const facts: [string, string | undefined][] = [
    ['file', `s3://${request.bucket}/${request.key}  ${bytesShown(request.size)}`],
    ['received', `${momentShown(createdAt)} UTC, ${age}${isSimulated ? ' (simulated time)' : ''}`],
    [
      'rows',
      rows ? rowText(rows) : plan && `${grouped(progress.done)} of ${counted(plan.rows, 'row', 'rows')} done`,
    ],
    ['cost', costOf(job)],
    ['tokens', usage && `${rounded(usage.inputTokens)} input, ${rounded(usage.outputTokens)} output`],
    ['estimate', cost || !plan?.estimate ? undefined : costText(plan.estimate)],
    ['reason', reason?.message],
    ['same as', job.status === 'joined' ? `job ${job.joinedJobId}` : undefined],
    ['retry of', retryOf === undefined ? undefined : `job ${retryOf}`],
    ['metadata', tags.length > 0 ? tags.join('  ') : undefined],
    ['asked for', instructions.length > 0 ? instructions.join('  ') : undefined],
  ];
  return facts.flatMap(([label, text]) =>
    text === undefined ? [] : [`  ${label.padEnd(LABEL_WIDTH)}${text}`],
  );
}

function costOf({ cost, plan }: Job): string | undefined {
  if (!cost) return undefined;
  const expected = plan?.estimate && costText(plan.estimate);
  const paid = cost.paid === null ? 'unknown' : moneyShown(cost.paid, cost.currency);
  return expected === undefined ? paid : `${paid}, expected ${expected}`;
}

/** Returns `20: 17 succeeded, 3 failed`. */
function rowText({ total, ...outcomes }: RowCounts): string {
  const present = Object.entries(outcomes).filter(([, count]) => count > 0);
  return `${grouped(total)}: ${present.map(([outcome, count]) => `${grouped(count)} ${outcome}`).join(', ')}`;
}

function timelineLines({ timeline, partCount }: JobDetails): string[] {
  const shown = timeline.length > SHOWN_ENTRIES ? timeline.filter(({ of }) => of !== 'batch') : timeline;
  const hidden = timeline.length - shown.length;
  const whatOf = ({ of, part }: TimelineEntry) =>
    of === 'batch' && partCount > 1 ? `batch of part ${part}` : of === 'request' ? 'you' : of;
  const width = Math.max(...shown.map((entry) => whatOf(entry).length));
  return [
    ...shown.map((entry) => {
      const { at, status, batchId } = entry;
      const what = whatOf(entry).padEnd(width);
      return `  ${at.slice(0, 19).replace('T', ' ')}  ${what}  ${status}${batchId === undefined ? '' : `  ${batchId}`}`;
    }),
    ...(hidden > 0 ? [`  and ${counted(hidden, 'entry', 'entries')} of batches; --json prints them`] : []),
  ];
}

function batchLines({ parts, partCount }: JobDetails): string[] {
  const rows = parts.slice(0, SHOWN_PARTS).flatMap(rowsOfPart);
  if (rows.length === 0) return [];
  const columns = [
    { title: 'PART', isNumber: true },
    { title: 'TRY', isNumber: true },
    { title: 'ROWS', isNumber: true },
    { title: 'STATUS' },
    { title: 'BATCH' },
    { title: 'MODEL' },
  ];
  const more = partCount - Math.min(parts.length, SHOWN_PARTS);
  return [
    ...tableLines(columns, rows),
    ...(more > 0 ? [`  and ${counted(more, 'part', 'parts')} more; --json prints them`] : []),
  ];
}

function rowsOfPart(part: PartDetails): { cells: string[]; below: string[] }[] {
  const waits =
    part.waitingFor === undefined ? part.phase.replaceAll('_', ' ') : `waits: ${waitingFor(part.waitingFor)}`;
  const cells = (attempt: number, rows: number, status: string, batchId: string) => ({
    cells: [String(part.number), String(attempt), grouped(rows), status, batchId, part.model].map(
      escapeControlCharacters,
    ),
    below: [] as string[],
  });
  const batches = part.batches.map(({ attempt, status, batchId, rows, error }) => ({
    ...cells(attempt, rows ?? part.rows, status, batchId),
    below: error === undefined ? [] : [escapeControlCharacters(`      ${error}`)],
  }));
  const hasBatch = part.batches.at(-1)?.attempt === part.attempt && part.waitingFor === undefined;
  return hasBatch
    ? batches
    : [...batches, cells(part.attempt, part.rows, part.stalled ? 'stalled' : waits, '')];
}

function findingLines({ findings }: Job): string[] {
  if (!findings) return [];
  const shown = findings.first.slice(0, SHOWN_FINDINGS);
  const more = findings.count - shown.length;
  return [
    ...shown.map(({ line, message }) => `  ${line === null ? '' : `line ${grouped(line)}: `}${message}`),
    ...(more > 0 ? [`  and ${counted(more, 'finding', 'findings')} more`] : []),
  ];
}
