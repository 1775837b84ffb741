import { ENDPOINTS } from '../../functions/shared/contract/request-file.ts';
import {
  BYTES,
  KEYS,
  LINE_ENDS,
  LINES,
  LITERALS,
  NUMBERS,
  type Pool,
  SPACES,
  STRINGS,
} from './nasty-json.ts';

/** A generated file, and the positions where its chunks end. */
export interface MutatedFile {
  bytes: Buffer;
  cuts: number[];
}

type Random = () => number;

const URLS = ENDPOINTS.map((endpoint) => `"${endpoint}"`);
/** The fields that limit a row's output. */
const LIMITS = ['max_tokens', 'max_completion_tokens', 'max_output_tokens', 'n', 'best_of'];

const MAX_FILLER = 150; // more than two of the scanner's blocks of 64 bytes
const MAX_DEPTH = 4;

/** Generates files with lines that are good, nearly good or neither, of the kinds that make scanners fail. */
export class FileMaker {
  readonly #random: Random;
  /** How likely each piece of the current line is a bad one. */
  #badness = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Returns a file of about this many lines. */
  file(lines: number): MutatedFile {
    const texts = Array.from(
      { length: lines },
      () => this.#line() + (this.#chance(0.2) ? this.#pick(LINE_ENDS) : '\n'),
    );
    const mark = this.#chance(0.1) ? '\xef\xbb\xbf' : '';
    const text = mark + texts.join('');
    const bytes = Buffer.from(this.#chance(0.3) ? text.replace(/[\r\n]+$/, '') : text, 'latin1');
    const cuts = Array.from({ length: this.#below(8) }, () => this.#below(bytes.length + 1));
    return { bytes, cuts: cuts.sort((a, b) => a - b) };
  }

  #line(): string {
    // Few faults per line, so that one fault does not hide another.
    this.#badness = this.#chance(0.2) ? 0.1 : 0;
    const line = this.#chance(0.3) ? this.#pick(LINES) : this.#madeUpLine();
    return this.#badness === 0 && this.#chance(0.25) ? this.#mutated(line) : line;
  }

  #madeUpLine(): string {
    const known = this.#chance(0.5) ? this.#requestFields() : this.#resultFields();
    return this.#object(this.#shuffled(known), 0);
  }

  #requestFields(): [string, string][] {
    const body: [string, string][] = [
      ['model', this.#often('"m"', 0)],
      ...this.#some<[string, string]>([
        ['stream', this.#pick(['false', 'true', 'null', '1', '"true"'])],
        ['input', this.#often(this.#pick(['"a"', '["a","b"]', '[1,2]', '[]', '[[1],[2]]']), 1)],
        ['messages', this.#often(this.#pick(['[{"role":"user"}]', '[]', 'null']), 1)],
        ['prompt', this.#often(this.#pick(['"a"', '["a","b"]', '[1,2]', '[]', '[[1],[2]]']), 1)],
        ...LIMITS.map((name): [string, string] => [name, this.#limit()]),
      ]),
    ];
    return this.#withMore([
      ['custom_id', this.#often(`"id-${this.#below(1e6)}"`, 0)],
      ['method', this.#often('"POST"', 0)],
      ['url', this.#often(this.#pick(URLS), 0)],
      ['body', this.#chance(0.95) ? this.#object(this.#withMore(body), 1) : this.#value(1)],
    ]);
  }

  #limit(): string {
    if (this.#chance(0.3))
      return this.#pick(['0', '-1', '1e3', '5.0', '5.5', '1e400', 'null', '"5"', 'true', '[5]']);
    return this.#spelling(NUMBERS, '5', 0.3);
  }

  #resultFields(): [string, string][] {
    const usage = this.#some<[string, string]>([
      ['prompt_tokens', this.#spelling(NUMBERS, '17', 0.3)],
      ['completion_tokens', this.#spelling(NUMBERS, '170', 0.3)],
      ['total_tokens', this.#spelling(NUMBERS, '187', 0.3)],
    ]);
    const body: [string, string][] = [
      ['model', this.#often('"gpt-4o-mini"', 2)],
      ['usage', this.#object(this.#withMore(usage), 3)],
    ];
    const response: [string, string][] = [
      ['status_code', this.#spelling(NUMBERS, '200', 0.3)],
      ['body', this.#object(this.#withMore(body), 2)],
    ];
    return this.#withMore([
      ['custom_id', this.#often(`"id-${this.#below(1e6)}"`, 0)],
      ['response', this.#chance(0.9) ? this.#object(this.#withMore(response), 1) : this.#value(1)],
      ['error', this.#chance(0.7) ? 'null' : this.#value(1)],
    ]);
  }

  /** Adds fields with any name, and rarely a duplicate of one. */
  #withMore(fields: [string, string][]): [string, string][] {
    const more = Array.from({ length: this.#below(3) }, (): [string, string] => [
      this.#from(KEYS),
      this.#value(2),
    ]);
    const again = this.#chance(0.04) && fields.length > 0 ? [this.#pick(fields)] : [];
    return [...fields, ...more, ...again];
  }

  #often(usual: string, depth: number): string {
    return this.#chance(0.9) ? usual : this.#value(depth);
  }

  #value(depth: number): string {
    const kind = depth < MAX_DEPTH ? this.#below(7) : this.#below(5);
    if (kind < 3) return this.#string();
    if (kind === 3) return this.#spelling(NUMBERS, '7', 0.5);
    if (kind === 4) return this.#spelling(LITERALS, 'null', 0.3);
    if (kind === 5) {
      const fields = Array.from({ length: this.#below(4) }, (): [string, string] => [
        this.#from(KEYS),
        this.#value(depth + 1),
      ]);
      return this.#object(fields, depth);
    }
    const elements = Array.from({ length: this.#below(5) }, () => this.#value(depth + 1));
    return `[${this.#space()}${elements.join(`${this.#space()},${this.#space()}`)}${this.#space()}]`;
  }

  #object(fields: readonly [string, string][], depth: number): string {
    const text = fields
      .map(
        ([key, value]) => `${this.#space()}"${key}"${this.#space()}:${this.#space()}${value}${this.#space()}`,
      )
      .join(',');
    return depth === 0 ? `${this.#space()}{${text}}${this.#space()}` : `{${text}}`;
  }

  /** With filler around it, so that a nasty piece can be anywhere in a block. */
  #string(): string {
    const pieces = Array.from(
      { length: this.#below(4) },
      () => this.#filler() + this.#spelling(STRINGS, '.', 0.5),
    );
    return `"${pieces.join('')}${this.#filler()}"`;
  }

  #filler(): string {
    return this.#pick(['x', ' ', 'yz', '\\n', '\xc3\xa9', '\xe8\xaa\x9e', '\xf0\x9f\x98\x80']).repeat(
      this.#chance(0.5) ? 0 : this.#below(MAX_FILLER),
    );
  }

  #space(): string {
    return this.#chance(0.15) ? this.#spelling(SPACES, ' ', 0.2) : '';
  }

  /** Returns the usual spelling or, with some probability, any of them. */
  #spelling(pool: Pool, usual: string, oddness: number): string {
    return this.#chance(oddness) ? this.#from(pool) : usual;
  }

  #from({ good, bad }: Pool): string {
    return this.#pick(this.#chance(this.#badness) ? bad : good);
  }

  #mutated(line: string): string {
    let text = line;
    const times = this.#pick([1, 1, 1, 2, 3]);
    for (let time = 0; time < times; time += 1) text = this.#mutatedOnce(text);
    return text;
  }

  #mutatedOnce(text: string): string {
    const at = this.#below(text.length + 1);
    const to = Math.min(text.length, at + 1 + this.#below(this.#pick([1, 4, 30])));
    const [before, cut, after] = [text.slice(0, at), text.slice(at, to), text.slice(to)];
    switch (this.#below(6)) {
      case 0:
        return before + this.#pick(BYTES) + after;
      case 1:
        return before + this.#pick(BYTES) + cut + after;
      case 2:
        return before + after;
      case 3:
        return before + cut + cut + after;
      case 4:
        return (
          before +
          String.fromCharCode((cut.charCodeAt(0) || 0) ^ (1 << this.#below(8))) +
          cut.slice(1) +
          after
        );
      default:
        return before + this.#from(STRINGS) + cut + after;
    }
  }

  #some<T>(things: readonly T[]): T[] {
    return things.filter(() => this.#chance(0.6));
  }

  #shuffled<T>(things: readonly T[]): T[] {
    if (this.#chance(0.5)) return [...things];
    return things
      .map((thing) => ({ thing, by: this.#random() }))
      .sort((a, b) => a.by - b.by)
      .map(({ thing }) => thing);
  }

  #pick<T>(things: readonly T[]): T {
    const thing = things[this.#below(things.length)];
    if (thing === undefined) throw new RangeError('nothing to pick from');
    return thing;
  }

  #chance(probability: number): boolean {
    return this.#random() < probability;
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }
}
