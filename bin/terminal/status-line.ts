import { stripVTControlCharacters } from 'node:util';

const TO_LINE_START_AND_CLEAR = '\r\u001b[K';
const COLUMNS_UNKNOWN = 80;

/** What a live line is written to: a terminal, or anything else, which gets the lasting lines alone. */
interface LineOutput {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** The last line of a terminal, rewritten in place, under lines that stay. */
export class StatusLine {
  readonly #output: LineOutput;
  #shown = '';

  constructor(output: LineOutput) {
    this.#output = output;
  }

  get isLive(): boolean {
    return this.#output.isTTY === true;
  }

  /** Shows a text without colours in place of the one before; cut to the terminal's width, as a wrapped one could not be taken back. */
  show(text: string): void {
    if (!this.isLive) return;
    const cut = stripVTControlCharacters(text).slice(0, (this.#output.columns ?? COLUMNS_UNKNOWN) - 1);
    if (cut === this.#shown) return;
    this.#shown = cut;
    this.#output.write(TO_LINE_START_AND_CLEAR + cut);
  }

  /** Writes a line that stays, above the live one. */
  print(line: string): void {
    this.#output.write(
      this.#shown === '' ? `${line}\n` : `${TO_LINE_START_AND_CLEAR}${line}\n${this.#shown}`,
    );
  }

  /** Takes the live line away. */
  end(): void {
    if (this.#shown !== '') this.#output.write(TO_LINE_START_AND_CLEAR);
    this.#shown = '';
  }
}
