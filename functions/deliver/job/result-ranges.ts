import { type PieceName, pieceKeys, type RowPiece } from '../../shared/domain/internal-keys.ts';
import type { Part } from '../../shared/domain/part.ts';
import type { Delivered } from '../../shared/domain/part-results.ts';
import { readObject } from '../../shared/part-rows/read-object.ts';
import { RowStates } from '../../shared/part-rows/row-states.ts';
import { readRowTable } from '../../shared/part-rows/upload-body.ts';
import type { Ports } from '../../shared/ports/ports.ts';
import type { Range } from './multipart-plan.ts';

type DeliveredPart = Part & { delivered: Delivered };
type Deps = Pick<Ports, 'results'>;

/**
 * Returns the ranges of the parts' pieces that make up a result file of the job, in the order of the request file.
 * Contiguous parts follow one another; the rows of interleaved parts are merged. It reads only row tables and row
 * states, so a resumed upload gets the same ranges. Errors: those of the storage.
 */
export async function* rangesOf(deps: Deps, parts: readonly Part[], name: PieceName): AsyncGenerator<Range> {
  const delivered = parts.filter(isDelivered);
  if (name !== 'anomalies' && delivered.some(({ interleaved }) => interleaved)) {
    yield* mergedRanges(deps, delivered, name);
    return;
  }
  for (const part of delivered) {
    const end = part.delivered[`${name}Bytes`];
    if (end > 0) yield { key: pieceKeys(part, part.delivered.deliveryId)[name], start: 0, end };
  }
}

/**
 * Merges interleaved parts. At any time, only parts with overlapping rows are open: at most one per pair of endpoint
 * and model.
 */
async function* mergedRanges(
  deps: Deps,
  parts: readonly DeliveredPart[],
  name: RowPiece,
): AsyncGenerator<Range> {
  const waiting = [...parts].sort((a, b) => a.range.start - b.range.start);
  const open: PieceCursor[] = [];
  let range: Range | undefined;
  for (;;) {
    let first = firstOf(open);
    while (waiting[0] && (!first || waiting[0].range.start <= first.offset)) {
      const part = waiting.shift();
      if (part) open.push(await PieceCursor.open(deps, part, name));
      first = firstOf(open);
    }
    if (!first) break;
    const line = first.take();
    if (first.isAtEnd) open.splice(open.indexOf(first), 1);
    if (range && range.key === first.key && range.end === line.start) range.end = line.end;
    else {
      if (range) yield range;
      range = { key: first.key, ...line };
    }
  }
  if (range) yield range;
}

function firstOf(open: readonly PieceCursor[]): PieceCursor | undefined {
  let first: PieceCursor | undefined;
  for (const cursor of open) if (!cursor.isAtEnd && (!first || cursor.offset < first.offset)) first = cursor;
  return first;
}

/** Iterates over the lines of one piece in the order of the request file. */
class PieceCursor {
  readonly key: string;
  readonly #offsets: number[];
  readonly #lengths: number[];
  #next = 0;
  #position = 0;

  private constructor(key: string, offsets: number[], lengths: number[]) {
    this.key = key;
    this.#offsets = offsets;
    this.#lengths = lengths;
  }

  static async open(deps: Deps, part: DeliveredPart, name: RowPiece): Promise<PieceCursor> {
    const keys = pieceKeys(part, part.delivered.deliveryId);
    const table = await readRowTable(deps, part);
    const states = RowStates.parse(await readObject(deps.results, keys.states), table.rows);
    const [offsets, lengths]: [number[], number[]] = [[], []];
    for (let row = 0; row < table.rows; row += 1) {
      const state = states.get(row);
      if (!state || (state.outcome === 'succeeded') !== (name === 'output')) continue;
      offsets.push(table.place(row).offset);
      lengths.push(state.lineBytes);
    }
    return new PieceCursor(keys[name], offsets, lengths);
  }

  get isAtEnd(): boolean {
    return this.#next >= this.#offsets.length;
  }

  /** The offset in the request file of the row of the next line. */
  get offset(): number {
    return this.#offsets[this.#next] ?? Number.POSITIVE_INFINITY;
  }

  take(): { start: number; end: number } {
    const start = this.#position;
    this.#position += this.#lengths[this.#next] ?? 0;
    this.#next += 1;
    return { start, end: this.#position };
  }
}

function isDelivered(part: Part): part is DeliveredPart {
  return part.delivered !== undefined;
}
