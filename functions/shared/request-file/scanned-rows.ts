/**
 * Reads the rows of a request file with the scanner. A row that is clean and has good values needs no parsing.
 * `validateRow` judges every other line, and only it reports problems. So this file accepts at most what `validateRow`
 * accepts, with the same result: `npm run fuzz:scanner` compares both.
 */
import { FILE_LIMITS, isEndpoint, REQUIRED_FIELDS, type RequiredField } from '../contract/request-file.ts';
import { type BoundField, outputBound } from '../domain/money/output-bounds.ts';
import type { LineHandler, LinePlace } from '../part-rows/lines.ts';
import { LineScanner } from '../scanner/line-scanner.ts';
import { REQUEST_LINE } from '../scanner/line-shapes.ts';
import { KIND, type ScannedLine } from '../scanner/scanned-line.ts';
import { joinedHash } from './custom-id-index.ts';
import type { PlannableRow } from './plan-parts.ts';
import { COMPLEXITY } from './validate-row.ts';

/**
 * Receives good rows through `row`, and the lines that must be judged through `line`. All are valid only during the
 * call.
 */
export interface RowHandler extends LineHandler {
  /** `hash`: the hash of the custom_id, as in `CustomIdIndex`. */
  row(place: LinePlace, row: PlannableRow, hash: number): void;
}

/** Where the scanner has the fields that limit a row's output. */
const SLOT_OF = {
  max_tokens: 'maxTokens',
  max_completion_tokens: 'maxCompletionTokens',
  max_output_tokens: 'maxOutputTokens',
  n: 'n',
  best_of: 'bestOf',
  prompts: 'prompt',
} as const satisfies Record<BoundField, keyof typeof REQUEST_LINE.paths>;

const EMBEDDINGS = '/v1/embeddings';
const NOTHING: Uint8Array = new Uint8Array(0);
const MINUS = 45;
const ZERO = 48;
const NINE = 57;

export class ScannedRows {
  readonly #scanner: LineScanner<keyof typeof REQUEST_LINE.paths>;
  readonly #handler: RowHandler;
  /** One object for all rows. It keeps the url and model of the last clean line. */
  readonly #row = {
    customId: { memory: NOTHING, start: 0, end: 0 },
    endpoint: '',
    model: '',
    embeddingInputs: 0,
    outputBound: 0,
  };
  /** The line at hand: one object for all lines. */
  #line: ScannedLine | undefined;
  /** A row with this url and model may be good. */
  #isRouteGood = false;
  /** The field that a row with this url must have. */
  #required: RequiredField | null = null;

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
    this.#line = line;
    if (line.isClean) {
      if (line.hasChanged) this.#noteRoute(line);
      if (this.#isGood(line)) {
        this.#noteRow(line);
        this.#handler.row(line, this.#row, joinedHash(line.lowHash, line.highHash));
        return;
      }
    }
    const { number, bytes, offset, length, start, end } = line;
    this.#handler.line({ number, bytes, offset, length, start, end });
  }

  overlong(number: number): void {
    this.#handler.overlong(number);
  }

  /** Returns false if `validateRow` must judge the line. */
  #isGood(line: ScannedLine): boolean {
    const { customId, method, url, body, model, stream } = this.#scanner.slots;
    const idBytes = line.endOf(customId) - line.startOf(customId);
    return (
      this.#isRouteGood &&
      line.kind(customId) === KIND.string &&
      line.kind(method) === KIND.string &&
      line.kind(url) === KIND.string &&
      line.kind(body) === KIND.object &&
      line.kind(model) === KIND.string &&
      line.kind(stream) !== KIND.true &&
      this.#hasRequiredField(line) &&
      idBytes > 0 &&
      idBytes <= FILE_LIMITS.customIdBytes &&
      !this.#isTooComplex(line)
    );
  }

  #hasRequiredField(line: ScannedLine): boolean {
    if (!this.#required) return true;
    const kind = line.kind(this.#scanner.slots[this.#required.name]);
    return kind !== KIND.absent && (kind !== KIND.null || this.#required.mayBeNull);
  }

  #noteRow(line: ScannedLine): void {
    const { customId } = this.#scanner.slots;
    const row = this.#row;
    row.customId.memory = line.memory;
    row.customId.start = line.startOf(customId);
    row.customId.end = line.endOf(customId);
    row.embeddingInputs = row.endpoint === EMBEDDINGS ? this.#inputsIn(line, this.#scanner.slots.input) : 0;
    row.outputBound = outputBound(row.endpoint, this.#boundValue);
  }

  /** A clean line has the values of the previous one, unless the scanner says that they changed. */
  #noteRoute(line: ScannedLine): void {
    const slots = this.#scanner.slots;
    const endpoint = line.repeatedText(slots.url);
    const model = line.repeatedText(slots.model);
    this.#row.endpoint = endpoint;
    this.#row.model = model;
    this.#required = isEndpoint(endpoint) ? REQUIRED_FIELDS[endpoint] : null;
    this.#isRouteGood =
      line.repeatedText(slots.method) === 'POST' &&
      isEndpoint(endpoint) &&
      model !== '' &&
      Buffer.byteLength(model) <= FILE_LIMITS.modelBytes;
  }

  #isTooComplex(line: ScannedLine): boolean {
    return line.length > COMPLEXITY.bytes && this.#scanner.openingsIn(line) > COMPLEXITY.arraysAndObjects;
  }

  /** The same as `boundsIn` in `validate-row.ts`. */
  readonly #boundValue = (field: BoundField): number | undefined => {
    const line = this.#line;
    if (!line) return undefined;
    const slot = this.#scanner.slots[SLOT_OF[field]];
    if (field === 'prompts') return this.#inputsIn(line, slot);
    switch (line.kind(slot)) {
      case KIND.absent:
      case KIND.null:
        return undefined;
      case KIND.integer:
        return line.count(slot);
      case KIND.number:
        return Number(line.text(slot));
      default:
        return Number.NaN;
    }
  };

  /** The same as `inputsIn` in `validate-row.ts`. */
  #inputsIn(line: ScannedLine, slot: number): number {
    if (line.kind(slot) !== KIND.array) return 1;
    const first = line.firstByte(slot);
    const isNumber = first === MINUS || (first >= ZERO && first <= NINE);
    return isNumber ? 1 : line.count(slot);
  }
}
