/**
 * Stores what a part's batch left and accounts for each of its rows. Steps, each right when run twice:
 *   1. the ids of the part are read again from the request file
 *   2. output and error file are streamed once; a length that is not the API's own is a truncation: nothing is concluded
 *   3. each line goes to `output.jsonl` (succeeded), `errors.jsonl` (anything else) or `anomalies.jsonl`
 *   4. rows without a line get one in `errors.jsonl`, written here, so that lines out = rows in
 *   5. the pieces become visible, then the counts are saved
 *
 * Known gaps: a result line over 64 MiB ends the delivery with an error; the results then stay at the API.
 */

import { FILE_LIMITS } from '../contract/request-file.ts';
import { assureGone } from './account.ts';
import { RowAccount, type RowOutcome } from './account-rows.ts';
import { without } from './change.ts';
import { checkRow } from './check-row.ts';
import { Refused, RetryLater } from './errors.ts';
import { type HeldPart, LostLease, withPartLease } from './lease.ts';
import { LineGatherer, type LineHandler, LineReader } from './lines.ts';
import type { Delivered, Part } from './part.ts';
import { endOfPart } from './part-end.ts';
import type { ObjectWriter, Ports, Turn } from './ports.ts';
import { pieceKeys } from './result-keys.ts';

export type DeliverDeps = Pick<
  Ports,
  'ledger' | 'clock' | 'ids' | 'log' | 'metrics' | 'api' | 'requestFiles' | 'results'
>;

const LONGEST_RESULT = 64 * 1024 * 1024; // an answer with images in it is large, but not larger
const JSONL = 'application/jsonl';

/** Errors: as the ports'. */
export async function deliverPart(deps: DeliverDeps, part: Part, turn: Turn): Promise<void> {
  await withPartLease(deps, part, turn.until, async (held) => {
    if (held.part.delivered) return;
    const deliveryId = deps.ids.next();
    try {
      const delivered = await store(deps, held, deliveryId, turn);
      await held.change((now) =>
        now.delivered ? undefined : { ...(without(now, 'waitUntil', 'held') as Part), delivered, tries: 0 },
      );
    } catch (failure) {
      // Whoever took over may have finished the job and removed what was there: nobody else removes these.
      if (failure instanceof LostLease)
        await deps.results.remove(Object.values(pieceKeys(held.part, deliveryId)));
      throw failure;
    }
  });
}

async function store(deps: DeliverDeps, held: HeldPart, deliveryId: string, turn: Turn): Promise<Delivered> {
  const { part } = held;
  const keys = pieceKeys(part, deliveryId);
  const sorter = new Sorter(await accountFor(deps, part), {
    output: deps.results.openWriter(keys.output, JSONL),
    errors: deps.results.openWriter(keys.errors, JSONL),
    anomalies: deps.results.openWriter(keys.anomalies, JSONL),
  });
  try {
    for (const fileId of [part.batch?.outputFileId, part.batch?.errorFileId]) {
      if (fileId !== undefined) await storeFile(deps, part, fileId, sorter, turn);
    }
    // Before the pieces become visible, so that they are removed whatever becomes of this delivery.
    await held.change((now) => ({ ...now, deliveryIds: [...(now.deliveryIds ?? []), deliveryId] }));
    return { ...(await sorter.finish(part)), deliveryId };
  } catch (failure) {
    await sorter.abort();
    throw failure;
  }
}

/** Reads the part's ids; undefined ids when the request file is gone. */
async function accountFor(deps: DeliverDeps, part: Part): Promise<RowAccount> {
  const facts = { rows: part.rows, batchStatus: endOfPart(part) ?? 'failed' };
  const ids: string[] = [];
  const handler: LineHandler = {
    line({ bytes }) {
      const checked = checkRow(bytes);
      if ('row' in checked) ids.push(checked.row.customId);
    },
    overlong() {},
  };
  const { start, end } = part.range;
  const reader = new LineReader(handler, { longest: FILE_LIMITS.rowBytes, offset: start });
  try {
    for await (const chunk of deps.requestFiles.read(part.request, { start, end })) reader.push(chunk);
  } catch (failure) {
    if (!(failure instanceof Refused)) throw failure;
    deps.log.warn('request_file_gone', { jobId: part.jobId, part: part.number });
    return new RowAccount(facts, undefined);
  }
  reader.end();
  return new RowAccount(facts, ids);
}

/** Streams one file of the API through the sorter. A file that is gone leaves its rows missing. */
async function storeFile(
  deps: DeliverDeps,
  part: Part,
  fileId: string,
  sorter: Sorter,
  { signal }: Turn,
): Promise<void> {
  try {
    const expected = await deps.api.fileBytes(fileId);
    let received = 0;
    const reader = new LineReader(sorter, { longest: LONGEST_RESULT });
    for await (const chunk of deps.api.readFile(fileId)) {
      signal.throwIfAborted();
      received += chunk.length;
      reader.push(chunk);
      await sorter.flush();
    }
    if (received !== expected) {
      throw new RetryLater(`file ${fileId}: ${received} bytes came, the API says it has ${expected}`);
    }
    reader.end();
    await sorter.flush();
  } catch (failure) {
    if (!(failure instanceof Refused) || failure.code !== 'file_gone') throw failure;
    await assureGone(deps, fileId, part.intent?.account);
    deps.log.error('result_file_gone', { jobId: part.jobId, part: part.number, fileId });
  }
}

type SortedTo = 'output' | 'errors' | 'anomalies';

/** Sorts result lines into three objects; what a chunk held is written before the next one is read. */
class Sorter implements LineHandler {
  readonly #account: RowAccount;
  readonly #writers: Record<SortedTo, ObjectWriter>;
  readonly #pending = {
    output: new LineGatherer(),
    errors: new LineGatherer(),
    anomalies: new LineGatherer(),
  };

  constructor(account: RowAccount, writers: Record<SortedTo, ObjectWriter>) {
    this.#account = account;
    this.#writers = writers;
  }

  line({ bytes }: { bytes: Uint8Array }): void {
    const verdict = this.#account.settle(bytes);
    let to: SortedTo = 'anomalies';
    if ('outcome' in verdict) to = verdict.outcome === 'succeeded' ? 'output' : 'errors';
    this.#pending[to].add(bytes);
  }

  overlong(number: number): void {
    throw new Error(`result line ${number} is longer than ${LONGEST_RESULT} bytes`);
  }

  async flush(): Promise<void> {
    for (const to of SORTED) {
      if (this.#pending[to].bytes > 0) await this.#writers[to].write(this.#pending[to].take());
    }
  }

  /** Writes a line for each row that has none, and makes the objects visible. */
  async finish(part: Part): Promise<Delivered> {
    for (const { customId, outcome } of this.#account.settleTheRest()) {
      this.#pending.errors.add(lineFor(customId, outcome, part));
      if (this.#pending.errors.bytes >= FLUSH_BYTES) await this.flush();
    }
    await this.flush();
    const outputBytes = await this.#writers.output.close();
    const errorsBytes = await this.#writers.errors.close();
    const anomaliesBytes = await this.#writers.anomalies.close();
    const { anomalies } = this.#account;
    return { rows: this.#account.counts(), outputBytes, errorsBytes, anomaliesBytes, anomalies };
  }

  async abort(): Promise<void> {
    await Promise.all(SORTED.map((to) => this.#writers[to].abort()));
  }
}

const SORTED: readonly SortedTo[] = ['output', 'errors', 'anomalies'];
const FLUSH_BYTES = 64 * 1024;

/** A line in the API's own form for a row it left none for; `id` null tells it from the API's. */
function lineFor(customId: string, outcome: RowOutcome, part: Part): Uint8Array {
  const code = outcome === 'missing' ? 'batchdrop_missing' : `batch_${outcome}`;
  const why = part.ended?.reason.message ?? part.batch?.errors[0]?.message;
  const message =
    outcome === 'missing'
      ? 'the batch left no line for this row'
      : `not run: ${why ?? `the batch ended as ${part.batch?.status ?? outcome}`}`;
  const line = { id: null, custom_id: customId, response: null, error: { code, message } };
  return Buffer.from(JSON.stringify(line));
}
