import type { Endpoint } from '../../../functions/shared/contract/request-file.ts';
import type { Cell } from '../tables/table.ts';
import { BadValue, escaped, fillersWith, type ReadFile } from './fill-place.ts';
import type { LineBuffer } from './line-buffer.ts';
import { type Piece, placesIn } from './template.ts';

/** What every request line has in common. */
export interface RequestShape {
  readonly endpoint: Endpoint;
  /** The body, from `piecesOf`. */
  readonly pieces: readonly Piece[];
  /** The column with the `custom_id`; without it, the ids are `row-1`, `row-2` and so on. */
  readonly id: string | undefined;
  readonly readFile: ReadFile;
}

const BEFORE_ID = Buffer.from('{"custom_id":"');
/** The prefix of ids that the number of the row makes, from 1. */
const ROW_ID = 'row-';

/** Writes rows of a table as lines of a request file. */
export class RequestLines {
  /** The columns that the lines need, each once. The cells of a row must have this order. */
  readonly columns: readonly string[];
  readonly #id: number | undefined;
  readonly #afterId: Uint8Array;
  readonly #steps: readonly Step[];

  constructor({ endpoint, pieces, id, readFile }: RequestShape) {
    const places = placesIn(pieces);
    this.columns = [...new Set([...(id === undefined ? [] : [id]), ...places.map(({ column }) => column)])];
    this.#id = id === undefined ? undefined : this.columns.indexOf(id);
    const fillers = fillersWith(readFile);
    const texts: string[] = [''];
    const steps: Omit<Step, 'after'>[] = [];
    for (const piece of pieces) {
      if (typeof piece === 'string') texts[steps.length] += piece;
      else {
        steps.push({
          column: piece.column,
          cell: this.columns.indexOf(piece.column),
          fill: fillers[piece.kind],
        });
        texts.push('');
      }
    }
    const afterId = `","method":"POST","url":${JSON.stringify(endpoint)},"body":${texts[0]}`;
    const end = (at: number) => (at === steps.length - 1 ? '}\n' : '');
    this.#afterId = Buffer.from(afterId);
    this.#steps = steps.map((step, at) => ({ ...step, after: Buffer.from(`${texts[at + 1]}${end(at)}`) }));
  }

  /** Adds the line of a row, with its line end. `number`: that of the row, from 1. Errors: BadValue, then nothing is added. */
  addLine(cells: readonly Cell[], number: number, target: LineBuffer): void {
    const begin = target.length;
    target.addBytes(BEFORE_ID);
    target.addText(this.#idOf(cells, number));
    target.addBytes(this.#afterId);
    try {
      for (const { cell, column, fill, after } of this.#steps) {
        target.addText(filled(fill, cells[cell] ?? null, column));
        target.addBytes(after);
      }
    } catch (error) {
      target.truncate(begin);
      throw error;
    }
  }

  #idOf(cells: readonly Cell[], number: number): string {
    if (this.#id === undefined) return ROW_ID + number;
    const cell = cells[this.#id] ?? '';
    return escaped(typeof cell === 'string' ? cell : cell.json);
  }
}

/** One place, and the text of the line after it. */
interface Step {
  readonly column: string;
  readonly cell: number;
  readonly fill: (cell: Cell) => string;
  readonly after: Uint8Array;
}

function filled(fill: Step['fill'], cell: Cell, column: string): string {
  try {
    return fill(cell);
  } catch (error) {
    if (!(error instanceof BadValue)) throw error;
    throw new BadValue(`column ${JSON.stringify(column)}: ${error.message}`, { cause: error });
  }
}
