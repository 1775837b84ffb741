/**
 * The results of a job together with those of its retries: each row has the line of the last run in which it succeeded, or else of
 * the last run. All files have the order of the request file, so they are read side by side, in bounded memory.
 */
import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { resultKeys } from '../../../functions/shared/contract/result-keys.ts';
import { TerminalError } from '../../../functions/shared/domain/errors.ts';
import type { Job } from '../../../functions/shared/domain/job.ts';
import { LineGatherer } from '../../../functions/shared/part-rows/lines.ts';
import type { Ledger } from '../../../functions/shared/ports/ports.ts';
import type { ReadBuckets } from '../../connection/buckets.ts';
import { Failure } from '../../terminal/failure.ts';
import { hasEnded } from '../follow-job.ts';
import { IdCursor } from './id-cursor.ts';
import { allRetriesOf } from './retries-of.ts';

type Deps = ReadBuckets & { readonly ledger: Ledger };

/** What was merged. */
interface Merged {
  /** The paths of `output.jsonl` and `errors.jsonl`. */
  readonly files: readonly string[];
  readonly succeeded: number;
  readonly others: number;
  /** The retries whose results are in the files. */
  readonly retries: readonly string[];
  /** The retries that have not ended. */
  readonly open: readonly string[];
}

type Kind = 'output' | 'errors';

/** A result file of one run. */
interface ResultCursor {
  readonly kind: Kind;
  readonly cursor: IdCursor;
}

const FLUSH_BYTES = 256 * 1024;

/** Writes the merged results into a directory. Each file is stored completely or not at all. Throws a Failure. */
export async function mergeRetries(deps: Deps, job: Job, directory: string): Promise<Merged> {
  const retries = await allRetriesOf(deps.ledger, job);
  const ended = retries.filter((retry) => retry.rows !== undefined && hasEnded(retry));
  const open = retries.filter((retry) => !ended.includes(retry)).map(({ jobId }) => jobId);
  await mkdir(directory, { recursive: true });
  const counts = { output: 0, errors: 0 };
  const files = {
    output: new LineFile(join(directory, 'output.jsonl')),
    errors: new LineFile(join(directory, 'errors.jsonl')),
  };
  try {
    for await (const { kind, line } of mergedLines(deps, job, ended)) {
      counts[kind] += 1;
      await files[kind].add(line);
    }
    const paths = [await files.output.close(), await files.errors.close()];
    return {
      ...{ files: paths, succeeded: counts.output, others: counts.errors, open },
      retries: ended.map(({ jobId }) => jobId),
    };
  } catch (error) {
    await Promise.all([files.output.discard(), files.errors.discard()]);
    throw error;
  }
}

/** Yields the line of each row, in the order of the request file. */
async function* mergedLines(
  { requestFiles, results }: ReadBuckets,
  job: Job,
  retries: readonly Job[],
): AsyncGenerator<{ kind: Kind; line: Uint8Array }> {
  const runs: ResultCursor[] = []; // oldest run first
  const requests = await open(requestFiles.read(job.request), 'The request file', job);
  try {
    for (const run of [job, ...retries]) {
      const keys = resultKeys(run);
      for (const kind of ['errors', 'output'] as const)
        runs.push({ kind, cursor: await open(results.read(keys[kind]), `${kind}.jsonl`, run) });
    }
    for (; requests.line; await requests.next()) {
      const { customId } = requests.line;
      const present = runs.filter(({ cursor }) => cursor.isAt(customId));
      const best = present.findLast(({ kind }) => kind === 'output') ?? present.at(-1);
      if (!best?.cursor.line)
        throw new Failure(
          `Job ${job.jobId} cannot be merged: no result file has the row ${customId} at its place.`,
        );
      yield { kind: best.kind, line: best.cursor.line.line };
      for (const { cursor } of present) await cursor.next();
    }
  } finally {
    for (const cursor of [requests, ...runs.map((run) => run.cursor)]) await cursor.close();
  }
}

function open(chunks: AsyncIterable<Uint8Array>, what: string, { jobId }: Job): Promise<IdCursor> {
  return IdCursor.open(chunks).catch((cause: unknown) => {
    if (!(cause instanceof TerminalError)) throw cause;
    throw new Failure(`${what} of job ${jobId} is not there any more, so its results cannot be merged.`, {
      cause,
    });
  });
}

/** A file of lines that appears when it is complete. */
class LineFile {
  readonly #path: string;
  readonly #lines = new LineGatherer();
  readonly #stream;
  readonly #writer;

  constructor(path: string) {
    this.#path = path;
    this.#stream = createWriteStream(`${path}.part`);
    this.#writer = Writable.toWeb(this.#stream).getWriter();
  }

  async add(line: Uint8Array): Promise<void> {
    this.#lines.add(line);
    if (this.#lines.bytes >= FLUSH_BYTES) await this.#writer.write(this.#lines.take());
  }

  async close(): Promise<string> {
    if (this.#lines.bytes > 0) await this.#writer.write(this.#lines.take());
    await this.#writer.close();
    await rename(`${this.#path}.part`, this.#path);
    return this.#path;
  }

  async discard(): Promise<void> {
    this.#stream.destroy();
    await rm(`${this.#path}.part`, { force: true });
  }
}
