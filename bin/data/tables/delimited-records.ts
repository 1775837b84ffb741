/**
 * Splits the text of a CSV or TSV file into records, as RFC 4180 describes them, with what real files add to it: any
 * delimiter, LF or CRLF, and quotes in the middle of a value, which are ordinary characters there.
 * A blank line is no record. `csv-parse` is the oracle of the tests; why it is not used here is in decision 0022.
 *
 * A record may be as long as a request's row. Longer ones are refused, so that a quote that is never closed does not
 * read the whole file into memory.
 */
import { FILE_LIMITS } from '../../../functions/shared/contract/request-file.ts';

/** Called with the values of a record and the line on which it begins, from 1. */
export type RecordHandler = (values: string[], line: number) => void;

/** The text is not CSV from this line on, so the rest cannot be read. */
export class BrokenRecord extends Error {
  override readonly name = 'BrokenRecord';
  readonly line: number;

  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

const QUOTE = '"';
const QUOTE_CODE = 34;
const LF_CODE = 10;
const CR_CODE = 13;

export class DelimitedRecords {
  readonly #handler: RecordHandler;
  readonly #delimiter: string;
  readonly #delimiterCode: number;
  readonly #quotes: boolean;
  #line: number;
  /** The record that is not complete yet, and the text that follows it. */
  #waiting: string[] = [];
  #waitingLength = 0;
  /** How much text to gather before the next try, so that a long record is not read again for each chunk. */
  #worthTrying = 0;
  /** Where the next quote is: before it, records need no care. */
  #nextQuote = 0;
  #values: string[] = [];
  #isEnd = false;

  /** `delimiter`: one character. `quotes`: false if quotes are ordinary characters. `line`: the number of the first line. */
  constructor(handler: RecordHandler, options: { delimiter: string; quotes: boolean; line?: number }) {
    this.#handler = handler;
    this.#delimiter = options.delimiter;
    this.#delimiterCode = options.delimiter.charCodeAt(0);
    this.#quotes = options.quotes;
    this.#line = options.line ?? 1;
  }

  /** Errors: BrokenRecord. */
  push(text: string): void {
    this.#waiting.push(text);
    this.#waitingLength += text.length;
    if (this.#waitingLength < this.#worthTrying) return;
    const all = this.#waiting.length === 1 ? text : this.#waiting.join('');
    const rest = all.slice(this.#read(all));
    this.#waiting = [rest];
    this.#waitingLength = rest.length;
    this.#worthTrying = 2 * rest.length;
    if (rest.length > FILE_LIMITS.rowBytes) throw this.#tooLong();
  }

  /** Reads the last record, which may have no line end. Errors: BrokenRecord. */
  end(): void {
    this.#isEnd = true;
    const all = this.#waiting.join('');
    if (this.#read(all) < all.length) {
      throw new BrokenRecord(
        this.#line,
        'a quote that begins a value is not closed before the end of the file',
      );
    }
  }

  /** Reads the complete records. Returns where the first incomplete one begins. */
  #read(text: string): number {
    let at = 0;
    this.#nextQuote = this.#quotes ? text.indexOf(QUOTE) : -1;
    while (at < text.length) {
      const begin = at;
      this.#values = [];
      at = this.#recordEnd(text, begin);
      if (at < 0) return begin;
      const values = this.#values;
      const line = this.#line;
      this.#line += this.#linesOf(text, begin, at);
      if (values.length > 1 || values[0] !== '' || text.charCodeAt(begin) === QUOTE_CODE)
        this.#handler(values, line);
    }
    return at;
  }

  /** Reads one record into `values`. Returns where the next one begins, or -1 if it is incomplete. */
  #recordEnd(text: string, begin: number): number {
    const lineEnd = this.#lineEnd(text, begin);
    if (lineEnd < 0 && !this.#quotesBefore(text, begin, text.length)) return -1;
    if (lineEnd >= 0 && !this.#quotesBefore(text, begin, lineEnd))
      return this.#plainRecord(text, begin, lineEnd);
    return this.#quotedRecord(text, begin);
  }

  /** A record on one line, without quotes. */
  #plainRecord(text: string, begin: number, lineEnd: number): number {
    const end = contentEnd(text, begin, lineEnd);
    let from = begin;
    for (;;) {
      const comma = text.indexOf(this.#delimiter, from);
      if (comma < 0 || comma >= end) break;
      this.#values.push(text.slice(from, comma));
      from = comma + 1;
    }
    this.#values.push(text.slice(from, end));
    return lineEnd + 1;
  }

  /** A record that contains quotes, perhaps on several lines. */
  #quotedRecord(text: string, begin: number): number {
    let at = begin;
    for (;;) {
      if (text.charCodeAt(at) === QUOTE_CODE) {
        at = this.#quotedValue(text, at);
        if (at < 0) return -1;
        const code = text.charCodeAt(at); // NaN at the end of the text
        if (code !== this.#delimiterCode) return this.#afterLastQuote(text, at);
        at += 1;
      } else {
        const lineEnd = this.#lineEnd(text, at);
        if (lineEnd < 0) return -1;
        const comma = text.indexOf(this.#delimiter, at);
        if (comma < 0 || comma >= lineEnd) {
          this.#values.push(text.slice(at, contentEnd(text, at, lineEnd)));
          return lineEnd + 1;
        }
        this.#values.push(text.slice(at, comma));
        at = comma + 1;
      }
    }
  }

  /** Reads the value whose quote opens at `open`. Returns where the text after it begins, or -1. */
  #quotedValue(text: string, open: number): number {
    let value = '';
    let from = open + 1;
    for (;;) {
      const close = text.indexOf(QUOTE, from);
      if (close < 0 || (close + 1 === text.length && !this.#isEnd)) return -1;
      value += text.slice(from, close);
      if (text.charCodeAt(close + 1) !== QUOTE_CODE) {
        this.#values.push(value);
        return close + 1;
      }
      value += QUOTE;
      from = close + 2;
    }
  }

  #afterLastQuote(text: string, at: number): number {
    if (at >= text.length) return text.length;
    if (text.charCodeAt(at) === LF_CODE) return at + 1;
    if (text.charCodeAt(at) === CR_CODE) {
      if (text.charCodeAt(at + 1) === LF_CODE) return at + 2;
      if (at + 1 === text.length) return this.#isEnd ? text.length : -1;
    }
    throw new BrokenRecord(
      this.#line,
      `value ${this.#values.length} has text after its closing quote. Write a quote in a value as "". If the file uses quotes as ordinary characters, add --no-quotes`,
    );
  }

  /** Where the line of `from` ends; at the end of the file also without a line feed; -1 if that is not known yet. */
  #lineEnd(text: string, from: number): number {
    const end = text.indexOf('\n', from);
    return end < 0 && this.#isEnd ? text.length : end;
  }

  #quotesBefore(text: string, from: number, end: number): boolean {
    if (this.#nextQuote >= 0 && this.#nextQuote < from) this.#nextQuote = text.indexOf(QUOTE, from);
    return this.#nextQuote >= 0 && this.#nextQuote < end;
  }

  #linesOf(text: string, begin: number, end: number): number {
    let lines = 0;
    for (let at = text.indexOf('\n', begin); at >= 0 && at < end; at = text.indexOf('\n', at + 1)) lines += 1;
    return lines;
  }

  #tooLong(): BrokenRecord {
    const open = this.#quotes ? ' Perhaps a quote is not closed.' : '';
    return new BrokenRecord(this.#line, `the row is longer than ${FILE_LIMITS.rowBytes} bytes.${open}`);
  }
}

/** Where the content of a line ends: before the CR of CRLF. */
function contentEnd(text: string, begin: number, lineEnd: number): number {
  return lineEnd > begin && text.charCodeAt(lineEnd - 1) === CR_CODE ? lineEnd - 1 : lineEnd;
}
