/** Groups the errors of a job's rows by their code, from a bounded range of `errors.jsonl`. */
import { resultKeys } from '../../../functions/shared/contract/result-keys.ts';
import { TerminalError } from '../../../functions/shared/domain/errors.ts';
import type { Job } from '../../../functions/shared/domain/job.ts';
import { LineReader } from '../../../functions/shared/part-rows/lines.ts';
import type { ResultStore } from '../../../functions/shared/ports/ports.ts';
import { parsedLine, readRowError } from '../../../functions/shared/result-lines/row-error.ts';

/** Rows that failed for the same reason. */
export interface ErrorKind {
  /** The API's error code, or `http_` and the status of the row. */
  readonly code: string;
  /** Of the rows that were read. */
  readonly count: number;
  /** The message of the first of them. */
  readonly message: string;
  /** The first few. */
  readonly customIds: readonly string[];
}

/** The errors of a job. */
export interface ErrorReport {
  /** The most frequent first. */
  readonly kinds: readonly ErrorKind[];
  /** How many rows were read. */
  readonly rows: number;
  /** Only the first rows of a large file were read. */
  readonly sampled: boolean;
  /** Why nothing was read: the file is gone, or may not be read. */
  readonly problem?: string;
}

const READ_BYTES = 4 * 1024 * 1024; // some 10,000 rows; read within a second
const SHOWN_IDS = 5;
/** The report of a job without errors. */
export const NO_ERRORS: ErrorReport = { kinds: [], rows: 0, sampled: false };

/**
 * Returns the errors of the job by kind. It reads at most the first 4 MiB of `errors.jsonl`, and nothing unless the job has rows
 * that did not succeed. Never throws for a file that cannot be read: the report then has a `problem`.
 */
export async function errorReport(
  results: Pick<ResultStore, 'read' | 'size'>,
  job: Job,
  bytes: number = READ_BYTES,
): Promise<ErrorReport> {
  if (!job.rows || job.rows.succeeded === job.rows.total) return NO_ERRORS;
  const key = resultKeys(job).errors;
  try {
    const size = await results.size(key);
    if (size === undefined) return { ...NO_ERRORS, problem: 'errors.jsonl is not in the bucket any more' };
    return await readErrors(results.read(key, { start: 0, end: Math.min(size, bytes) }), size > bytes);
  } catch (error) {
    if (error instanceof TerminalError)
      return { ...NO_ERRORS, problem: 'errors.jsonl is not in the bucket any more' };
    return { ...NO_ERRORS, problem: error instanceof Error ? error.message : String(error) };
  }
}

async function readErrors(chunks: AsyncIterable<Uint8Array>, sampled: boolean): Promise<ErrorReport> {
  const count = new ErrorCount();
  const reader = new LineReader(
    { line: ({ bytes }) => count.add(bytes), overlong: () => {} },
    { longest: READ_BYTES },
  );
  for await (const chunk of chunks) reader.push(chunk);
  if (!sampled) reader.end(); // else the last line is not whole
  return { kinds: count.kinds, rows: count.rows, sampled };
}

class ErrorCount {
  rows = 0;
  readonly #kinds = new Map<string, { count: number; message: string; customIds: string[] }>();

  add(line: Uint8Array): void {
    const { code, message } = readRowError(line);
    const known = this.#kinds.get(code) ?? { count: 0, message, customIds: [] };
    this.#kinds.set(code, known);
    known.count += 1;
    this.rows += 1;
    if (known.customIds.length >= SHOWN_IDS) return;
    const customId = parsedLine(line)?.custom_id;
    if (typeof customId === 'string') known.customIds.push(customId);
  }

  get kinds(): ErrorKind[] {
    const kinds = [...this.#kinds].map(([code, kind]) => ({ code, ...kind }));
    return kinds.sort((a, b) => b.count - a.count);
  }
}
