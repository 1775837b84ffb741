import { NotAllowed, RetryableError, TerminalError } from '../../shared/domain/errors.ts';
import type { ObservedBatch } from '../../shared/domain/part.ts';
import type { BatchApi, Deadline } from '../../shared/ports/ports.ts';
import type { ResultCollector } from './result-collector.ts';
import { ResultLines } from './result-lines.ts';
import type { Reading } from './results-agreement.ts';
import type { RowTally } from './row-accounting.ts';

type Deps = { api: Pick<BatchApi, 'fileBytes' | 'readFile'> };

/** The result files that a batch names. */
type ResultFiles = Pick<ObservedBatch, 'outputFileId' | 'errorFileId' | 'counts'>;

/** How one file was read. `failure`: why it was not read to its end. */
interface FileReading {
  fileId: string;
  name: 'output' | 'errors';
  bytes: number;
  /** The digest of its bytes, if it was read to its end. */
  digest: string;
  failure?: unknown;
  /** It ends within a line. */
  isCutOff?: boolean;
}

/**
 * Streams the result files of a batch once through the collector. If one file cannot be read, the other one is still
 * read. Errors: those errors of the API for which the part has to wait, such as NotAllowed; those of the disk and the
 * storage.
 */
export async function readResults(
  deps: Deps,
  files: ResultFiles,
  to: { tally: RowTally; collector: ResultCollector },
  deadline: Deadline,
): Promise<Reading> {
  const readings: FileReading[] = [];
  for (const [name, fileId] of [
    ['output', files.outputFileId],
    ['errors', files.errorFileId],
  ] as const) {
    if (fileId === undefined) continue;
    const read: FileReading = { fileId, name, bytes: 0, digest: '' };
    readings.push(read);
    await readOne(deps, read, to, deadline);
  }
  const { tally } = to;
  const isWhole = tally.rowsWithLine === tally.rowsSent;
  const unanswered = isWhole ? undefined : readings.find(hasNoAnswer);
  if (unanswered && concernsAll(unanswered)) throw unanswered.failure;
  const problems = isWhole ? [] : await problemsOf(deps, files, readings);
  return {
    rows: tally.rowsSent,
    rowsWithLine: tally.rowsWithLine,
    rowsInOutput: tally.rowsInOutput,
    rowsThatRan: tally.rowsThatRan,
    foreignLines: tally.foreignLines,
    damagedLines: tally.unreadableLines - readings.filter(({ isCutOff }) => isCutOff).length,
    problems,
    ...(unanswered ? { unanswered: messageOf(unanswered.failure) } : {}),
    digest: readings.map(digestOf).join(' ') || 'no file',
  };
}

async function readOne(
  deps: Deps,
  read: FileReading,
  { tally, collector }: { tally: RowTally; collector: ResultCollector },
  { signal }: Deadline,
): Promise<void> {
  collector.begin(read.fileId, read.name);
  const lines = new ResultLines(collector);
  for await (const chunk of untilFailure(deps.api.readFile(read.fileId), read)) {
    signal.throwIfAborted();
    read.bytes += chunk.length;
    lines.push(chunk);
    await collector.flush();
  }
  signal.throwIfAborted();
  const unreadable = tally.unreadableLines;
  if (read.failure === undefined) {
    lines.end();
    read.digest = lines.digest();
  }
  if (tally.unreadableLines > unreadable) read.isCutOff = true; // its last line has no line end and is incomplete
  await collector.flush();
}

/** Yields the chunks of a file, and notes the failure that ended it early. Failures of the consumer are not noted. */
async function* untilFailure(
  chunks: AsyncIterable<Uint8Array>,
  read: FileReading,
): AsyncGenerator<Uint8Array> {
  try {
    yield* chunks;
  } catch (failure) {
    if (!isOfTheApi(failure)) throw failure;
    read.failure = failure;
  }
}

function isOfTheApi(failure: unknown): boolean {
  return (
    failure instanceof RetryableError || failure instanceof NotAllowed || failure instanceof TerminalError
  );
}

/** Returns whether the API did not even begin to send the file. */
function hasNoAnswer({ failure, bytes }: FileReading): boolean {
  return failure !== undefined && !(failure instanceof TerminalError) && bytes === 0;
}

/**
 * Returns whether the failure concerns more than this file. Then the part waits, as after such a failure in any other
 * step.
 */
function concernsAll({ failure }: FileReading): boolean {
  if (failure instanceof NotAllowed) return true;
  return (
    failure instanceof RetryableError &&
    (failure.afterSeconds !== undefined || failure.waitsFor !== undefined)
  );
}

/** Returns the reasons why rows without a line may still get one. */
async function problemsOf(
  deps: Deps,
  { counts, errorFileId }: ResultFiles,
  readings: readonly FileReading[],
): Promise<string[]> {
  const problems: string[] = [];
  for (const read of readings) {
    if (read.failure !== undefined) problems.push(`file ${read.fileId}: ${messageOf(read.failure)}`);
    else if (read.isCutOff) problems.push(`file ${read.fileId}: it ends within a line`);
    else if (read.bytes < (await statedBytes(deps, read.fileId)))
      problems.push(`file ${read.fileId}: received ${read.bytes} bytes, fewer than the API states`);
  }
  if (errorFileId === undefined && (counts?.failed ?? 0) > 0)
    problems.push(`the batch names no error file, but counts ${counts?.failed} failed rows`);
  return problems;
}

/** Returns the length that the API states, or 0 if it states none, because the content was read in any case. */
async function statedBytes({ api }: Deps, fileId: string): Promise<number> {
  return (await api.fileBytes(fileId).catch(() => undefined)) ?? 0;
}

function digestOf({ name, bytes, digest, failure }: FileReading): string {
  return `${name}:${failure === undefined ? `${bytes}:${digest}` : 'not read'}`;
}

function messageOf(failure: unknown): string {
  return failure instanceof Error ? failure.message : String(failure);
}
