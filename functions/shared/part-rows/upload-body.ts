import { FILE_LIMITS } from '../contract/request-file.ts';
import { pieceKeys, rowTableKey } from '../domain/internal-keys.ts';
import { type Part, type Slice, sizeLeft } from '../domain/part.ts';
import type { Ports, RequestFiles } from '../ports/ports.ts';
import { LineGatherer, normalised } from './lines.ts';
import { readObject } from './read-object.ts';
import { RowStates } from './row-states.ts';
import { type RowPlace, RowTable } from './row-table.ts';

type Deps = Pick<Ports, 'requestFiles' | 'results'>;

const GAP_BYTES = 256 * 1024; // reading and skipping this much takes less time than another request
const YIELD_BYTES = 64 * 1024;

/** Reads the part's row table. Errors: those of the storage. */
export async function readRowTable({ results }: Pick<Ports, 'results'>, part: Part): Promise<RowTable> {
  return new RowTable(await readObject(results, rowTableKey(part)));
}

/** Reads the rows of a part, and their states after the earlier attempts. Errors: those of the storage. */
export async function readRowStates(
  deps: Pick<Ports, 'results'>,
  part: Part,
): Promise<{ table: RowTable; before: RowStates }> {
  const table = await readRowTable(deps, part);
  if (!part.earlierResults) return { table, before: RowStates.fresh(table.rows) };
  const states = await readObject(deps.results, pieceKeys(part, part.earlierResults.deliveryId).states);
  return { table, before: RowStates.parse(states, table.rows) };
}

/**
 * Returns the bytes to upload for the part's current attempt: its rows, each with a line end. Errors: those of both
 * storages.
 */
export function uploadBody(deps: Deps, part: Part): AsyncGenerator<Uint8Array> {
  if (part.earlierResults || part.interleaved || part.slice) return chosenRows(deps, part);
  const { start, end } = part.range;
  const chunks = deps.requestFiles.read(part.request, { start, end });
  return normalised(chunks, { longest: FILE_LIMITS.rowBytes, offset: start });
}

/** Returns whether the part's current attempt sends the row. */
export function isSent({ slice }: Part, before: RowStates, row: number): boolean {
  return before.isToRun(row) && row < (slice?.end ?? Number.POSITIVE_INFINITY);
}

/**
 * Returns the rows that the current attempt may send; undefined if it may send all remaining ones. It always sends at
 * least one row. Errors: those of the storage.
 */
export async function sliceOf(deps: Pick<Ports, 'results'>, part: Part): Promise<Slice | undefined> {
  const { atMost } = part.admission ?? {};
  const left = sizeLeft(part);
  if (!atMost || (left.uploadBytes <= atMost.uploadBytes && left.rows <= (atMost.rows ?? left.rows)))
    return undefined;
  const { table, before } = await readRowStates(deps, part);
  const slice = { end: 0, rows: 0, uploadBytes: 0 };
  for (let row = 0; row < table.rows; row += 1) {
    if (!before.isToRun(row)) continue;
    const bytes = table.place(row).length + 1;
    const isFull = slice.uploadBytes + bytes > atMost.uploadBytes || slice.rows >= (atMost.rows ?? left.rows);
    if (isFull && slice.rows > 0) break;
    slice.end = row + 1;
    slice.rows += 1;
    slice.uploadBytes += bytes;
  }
  return slice.rows < left.rows ? slice : undefined;
}

async function* chosenRows(deps: Deps, part: Part): AsyncGenerator<Uint8Array> {
  const { table, before } = await readRowStates(deps, part);
  const places: RowPlace[] = [];
  for (let row = 0; row < table.rows; row += 1) if (isSent(part, before, row)) places.push(table.place(row));
  yield* rowBytes(deps.requestFiles, part, places);
}

/**
 * Yields single rows of a request file, given in the order of the file. Rows near each other are read with one request.
 */
async function* rowBytes(
  requestFiles: RequestFiles,
  { request }: Part,
  places: readonly RowPlace[],
): AsyncGenerator<Uint8Array> {
  const gatherer = new LineGatherer();
  for (let from = 0; from < places.length; ) {
    const to = endOfRun(places, from);
    const [first, last] = [places[from], places[to - 1]];
    if (!first || !last) break;
    const chunks = requestFiles.read(request, { start: first.offset, end: last.offset + last.length });
    const cutter = new RowCutter(places.slice(from, to), first.offset, gatherer);
    for await (const chunk of chunks) {
      cutter.push(chunk);
      if (gatherer.bytes >= YIELD_BYTES) yield gatherer.take();
    }
    cutter.end();
    from = to;
  }
  if (gatherer.bytes > 0) yield gatherer.take();
}

function endOfRun(places: readonly RowPlace[], from: number): number {
  let to = from + 1;
  for (; to < places.length; to += 1) {
    const [before, next] = [places[to - 1], places[to]];
    if (!before || !next || next.offset - before.offset - before.length > GAP_BYTES) break;
  }
  return to;
}

/** Extracts rows from the range of the file that contains them. */
class RowCutter {
  readonly #places: readonly RowPlace[];
  readonly #gatherer: LineGatherer;
  #next = 0;
  #position: number;
  #begun: Uint8Array[] = [];

  constructor(places: readonly RowPlace[], start: number, gatherer: LineGatherer) {
    this.#places = places;
    this.#position = start;
    this.#gatherer = gatherer;
  }

  push(chunk: Uint8Array): void {
    for (let place = this.#places[this.#next]; place; place = this.#places[this.#next]) {
      const from = Math.max(0, place.offset - this.#position);
      if (from >= chunk.length) break;
      const to = place.offset + place.length - this.#position;
      if (to > chunk.length) {
        this.#begun.push(new Uint8Array(chunk.subarray(from))); // a copy: the source may reuse its chunk
        break;
      }
      this.#gatherer.add(Buffer.concat([...this.#begun, chunk.subarray(from, to)]));
      this.#begun = [];
      this.#next += 1;
    }
    this.#position += chunk.length;
  }

  /** Checks that the range contained every row. Errors: an Error if it ended too early. */
  end(): void {
    if (this.#next < this.#places.length)
      throw new Error(`request file: it ended at byte ${this.#position}, before the part's last row`);
  }
}
