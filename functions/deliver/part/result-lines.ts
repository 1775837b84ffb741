/**
 * Reads the lines of a batch's result file. A clean line of a row that succeeded needs no parsing. `readResultLine`
 * judges every other line, so this file never interprets a line differently: `npm run fuzz:scanner` compares both.
 */
import { hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { type Line, LineReader } from '../../shared/part-rows/lines.ts';
import { MAX_RESULT, type ResultLine, readResultLine } from '../../shared/result-lines/result-line.ts';
import { scannedTokens } from '../../shared/result-lines/row-tokens.ts';
import { LineScanner } from '../../shared/scanner/line-scanner.ts';
import { RESULT_LINE } from '../../shared/scanner/line-shapes.ts';
import { KIND, type ScannedLine } from '../../shared/scanner/scanned-line.ts';
import { scannerModule } from '../../shared/scanner/scanner-module.ts';

const LONGEST = { longest: MAX_RESULT } as const;

/** The content of a line, as a view that is valid during the handler's call, and its number in the file, from 1. */
export type NumberedLine = Pick<Line, 'bytes' | 'number'>;

/** Receives the lines of a result file. */
export interface ResultLineHandler {
  /** `result`: the parsed line; undefined if it is not a result line. */
  result(line: NumberedLine, result: ResultLine | undefined): void;
  /** Called for a line longer than `MAX_RESULT`. Its bytes were discarded. */
  overlong(number: number): void;
}

/** Reads one result file, chunk by chunk. `scanner`: null on a machine that cannot run it. */
export class ResultLines {
  readonly #handler: ResultLineHandler;
  readonly #scanner: LineScanner<keyof typeof RESULT_LINE.paths> | undefined;
  readonly #reader: Pick<LineReader, 'push' | 'end'>;
  /** The digest, if no scanner computes one. */
  #crc = 0;

  constructor(handler: ResultLineHandler, scanner: WebAssembly.Module | null = scannerModule()) {
    this.#handler = handler;
    this.#scanner = scanner
      ? new LineScanner(scanner, RESULT_LINE, this, { ...LONGEST, digest: true })
      : undefined;
    this.#reader = this.#scanner ?? new LineReader(this, LONGEST);
  }

  push(chunk: Uint8Array): void {
    this.#reader.push(chunk);
    if (!this.#scanner) this.#crc = crc32(chunk, this.#crc);
  }

  /** Call this after the last chunk, because the last line may have no line end. */
  end(): void {
    this.#reader.end();
  }

  /** Returns a digest of the file's bytes. Call this once, after `end`. */
  digest(): string {
    if (this.#scanner) return hash('sha256', this.#scanner.digest()).slice(0, 16);
    return this.#crc.toString(16).padStart(8, '0');
  }

  scanned(line: ScannedLine): void {
    const result = this.#succeededIn(line);
    if (result) this.#handler.result(line, result);
    else this.line(line);
  }

  line(line: NumberedLine): void {
    this.#handler.result(line, readResultLine(line.bytes));
  }

  overlong(number: number): void {
    this.#handler.overlong(number);
  }

  /** Returns what the line of a row that certainly succeeded says; undefined for a line that `readResultLine` must judge. */
  #succeededIn(line: ScannedLine): ResultLine | undefined {
    if (!line.isClean || !this.#scanner) return undefined;
    const { slots } = this.#scanner;
    const { customId, statusCode } = slots;
    if (line.kind(customId) !== KIND.string || line.kind(statusCode) !== KIND.integer) return undefined;
    const status = line.count(statusCode);
    if (status < 200 || status >= 300) return undefined;
    const tokens = scannedTokens(line, slots);
    if (tokens === 'unsure') return undefined;
    return {
      customId: line.text(customId),
      outcome: 'succeeded',
      passing: false,
      ...(tokens && { tokens }),
    };
  }
}
