import type { Endpoint } from '../../../functions/shared/contract/request-file.ts';
import type { Cell } from '../tables/table.ts';
import { BadValue, escaped, fillersWith, type ReadFile } from './fill-place.ts';
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

/** The prefix of ids that the number of the row makes, from 1. */
const ROW_ID = 'row-';

/** Writes rows of a table as lines of a request file. */
export class RequestLines {
  /** The columns that the lines need, each once. The cells of a row must have this order. */
  readonly columns: readonly string[];
  readonly #id: number | undefined;
  readonly #afterId: string;
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
    this.#afterId = `","method":"POST","url":${JSON.stringify(endpoint)},"body":${texts[0]}`;
    const end = (at: number) => (at === steps.length - 1 ? '}\n' : '');
    this.#steps = steps.map((step, at) => ({ ...step, after: `${texts[at + 1]}${end(at)}` }));
  }

  /** Returns the line of a row, with its line end. `number`: that of the row, from 1. Errors: BadValue. */
  lineOf(cells: readonly Cell[], number: number): string {
    let line = `{"custom_id":"${this.#idOf(cells, number)}${this.#afterId}`;
    for (const step of this.#steps) line += filled(step, cells) + step.after;
    return line;
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
  readonly after: string;
}

function filled({ column, cell, fill }: Step, cells: readonly Cell[]): string {
  try {
    return fill(cells[cell] ?? null);
  } catch (error) {
    if (!(error instanceof BadValue)) throw error;
    throw new BadValue(`column ${JSON.stringify(column)}: ${error.message}`, { cause: error });
  }
}
