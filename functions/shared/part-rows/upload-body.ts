import { FILE_LIMITS } from '../contract/request-file.ts';
import { pieceKeys, rowTableKey } from '../domain/internal-keys.ts';
import type { Part } from '../domain/part.ts';
import type { Ports, RequestFiles } from '../ports/ports.ts';
import { LineGatherer, normalised } from './lines.ts';
import { readObject } from './read-object.ts';
import { RowStates } from './row-states.ts';
import { type RowPlace, RowTable } from './row-table.ts';

type Deps = Pick<Ports, 'requestFiles' | 'results'>;

const GAP_BYTES = 256 * 1024; // reading over a gap of this size costs less time than another request
const YIELD_BYTES = 64 * 1024;

/** Errors: as the storage's. */
export async function readRowTable({ results }: Pick<Ports, 'results'>, part: Part): Promise<RowTable> {
  return new RowTable(await readObject(results, rowTableKey(part)));
}

/** The rows of a part, and what earlier attempts left of each. Errors: as the storage's. */
export async function readRowStates(
  deps: Pick<Ports, 'results'>,
  part: Part,
): Promise<{ table: RowTable; before: RowStates }> {
  const table = await readRowTable(deps, part);
  if (!part.soFar) return { table, before: RowStates.fresh(table.rows) };
  const states = await readObject(deps.results, pieceKeys(part, part.soFar.deliveryId).states);
  return { table, before: RowStates.parse(states, table.rows) };
}

/** What is uploaded for the part's present attempt: one line end after each row. Errors: as the storages'. */
export function uploadBody(deps: Deps, part: Part): AsyncGenerator<Uint8Array> {
  if (part.soFar || part.interleaved) return chosenRows(deps, part);
  const { start, end } = part.range;
  const chunks = deps.requestFiles.read(part.request, { start, end });
  return normalised(chunks, { longest: FILE_LIMITS.rowBytes, offset: start });
}

async function* chosenRows(deps: Deps, part: Part): AsyncGenerator<Uint8Array> {
  const { table, before } = await readRowStates(deps, part);
  const places: RowPlace[] = [];
  for (let row = 0; row < table.rows; row += 1) if (before.isToRun(row)) places.push(table.place(row));
  yield* rowBytes(deps.requestFiles, part, places);
}

/** Single rows of a request file, in the order given, which is that of the file; near ones are read in one request. */
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

/** Cuts rows out of the stretch of the file that holds them. */
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

  /** The stretch is over. */
  end(): void {
    if (this.#next < this.#places.length)
      throw new Error(`rows of the request file: it ended at ${this.#position}`);
  }
}
