/**
 * Reads the rows of a request file with the scanner. A row that is clean and good by its values needs no parsing; any other
 * line is handed on to be judged by `validateRow`, which alone finds problems. So this file accepts at most what
 * `validateRow` accepts, and says the same of it: `npm run fuzz:scanner` compares both.
 */
import { FILE_LIMITS } from '../contract/request-file.ts';
import type { LineHandler, LinePlace } from '../part-rows/lines.ts';
import { REQUEST_LINE } from '../scanner/line-shapes.ts';
import { LineScanner } from '../scanner/line-scanner.ts';
import { KIND, type ScannedLine } from '../scanner/scanned-line.ts';
import { joinedHash } from './custom-id-index.ts';
import type { PlannableRow } from './plan-parts.ts';
import { COMPLEXITY, SUPPORTED_ENDPOINTS } from './validate-row.ts';

/** Receives good rows by `row`, and by `line` the lines that have to be judged. All are valid during the call only. */
export interface RowHandler extends LineHandler {
  /** `hash`: of the custom_id, as in `CustomIdIndex`. */
  row(place: LinePlace, row: PlannableRow, hash: number): void;
}

const EMBEDDINGS = '/v1/embeddings';
const MINUS = 45;
const ZERO = 48;
const NINE = 57;

export class ScannedRows {
  readonly #scanner: LineScanner<keyof typeof REQUEST_LINE.paths>;
  readonly #handler: RowHandler;
  /** The url and model of the last clean line, if a row may have them. */
  #route: { endpoint: string; model: string } | undefined;

  /** `options`: as for `LineReader`. */
  constructor(
    module: WebAssembly.Module,
    handler: RowHandler,
    options: { longest: number; offset: number; linesBefore: number },
  ) {
    this.#handler = handler;
    this.#scanner = new LineScanner(module, REQUEST_LINE, this, options);
  }

  get next(): { offset: number; linesBefore: number } {
    return this.#scanner.next;
  }

  push(chunk: Uint8Array): void {
    this.#scanner.push(chunk);
  }

  end(): void {
    this.#scanner.end();
  }

  scanned(line: ScannedLine): void {
    if (line.isClean) {
      if (line.hasChanged) this.#route = this.#routeOf(line);
      const row = this.#rowIn(line);
      if (row) {
        this.#handler.row(line, row, joinedHash(line.lowHash, line.highHash));
        return;
      }
    }
    const { number, bytes, offset, length, start, end } = line;
    this.#handler.line({ number, bytes, offset, length, start, end });
  }

  overlong(number: number): void {
    this.#handler.overlong(number);
  }

  /** Returns the row if it is good; undefined if it has to be judged. */
  #rowIn(line: ScannedLine): PlannableRow | undefined {
    const { customId, method, url, body, model, stream } = this.#scanner.slots;
    const route = this.#route;
    if (
      !route ||
      line.kind(customId) !== KIND.string ||
      line.kind(method) !== KIND.string ||
      line.kind(url) !== KIND.string ||
      line.kind(body) !== KIND.object ||
      line.kind(model) !== KIND.string ||
      line.kind(stream) === KIND.true
    )
      return undefined;
    const start = line.startOf(customId);
    const end = line.endOf(customId);
    if (end === start || end - start > FILE_LIMITS.customIdBytes || this.#isTooComplex(line)) return undefined;
    const embeddingInputs = route.endpoint === EMBEDDINGS ? this.#inputsIn(line) : 0;
    return { customId: { memory: line.memory, start, end }, ...route, embeddingInputs };
  }

  /** The values of one clean line are those of the next one too, unless it says that they have changed. */
  #routeOf(line: ScannedLine): { endpoint: string; model: string } | undefined {
    const slots = this.#scanner.slots;
    const endpoint = line.repeatedText(slots.url);
    const model = line.repeatedText(slots.model);
    const isGood =
      line.repeatedText(slots.method) === 'POST' &&
      SUPPORTED_ENDPOINTS.has(endpoint) &&
      model !== '' &&
      Buffer.byteLength(model) <= FILE_LIMITS.modelBytes;
    return isGood ? { endpoint, model } : undefined;
  }

  #isTooComplex(line: ScannedLine): boolean {
    return line.length > COMPLEXITY.bytes && this.#scanner.openingsIn(line) > COMPLEXITY.arraysAndObjects;
  }

  /** As `inputsIn` in `validate-row.ts`. */
  #inputsIn(line: ScannedLine): number {
    const { input } = this.#scanner.slots;
    if (line.kind(input) !== KIND.array) return 1;
    const first = line.firstByte(input);
    const isNumber = first === MINUS || (first >= ZERO && first <= NINE);
    return isNumber ? 1 : line.count(input);
  }
}
