import { stripVTControlCharacters } from 'node:util';

const TO_LINE_START_AND_CLEAR = '\r\u001b[K';
const COLUMNS_UNKNOWN = 80;

/** A terminal, or another output, which receives only the permanent lines. */
interface LineOutput {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** The last line of a terminal, rewritten in place below permanent lines. */
export class StatusLine {
  readonly #output: LineOutput;
  #shown = '';

  constructor(output: LineOutput) {
    this.#output = output;
  }

  get isLive(): boolean {
    return this.#output.isTTY === true;
  }

  /** Replaces the text, without colors. It is cut to the width of the terminal, because a wrapped line cannot be replaced. */
  show(text: string): void {
    if (!this.isLive) return;
    const cut = stripVTControlCharacters(text).slice(0, (this.#output.columns ?? COLUMNS_UNKNOWN) - 1);
    if (cut === this.#shown) return;
    this.#shown = cut;
    this.#output.write(TO_LINE_START_AND_CLEAR + cut);
  }

  /** Writes a permanent line above the status line. */
  print(line: string): void {
    this.#output.write(
      this.#shown === '' ? `${line}\n` : `${TO_LINE_START_AND_CLEAR}${line}\n${this.#shown}`,
    );
  }

  /** Removes the status line. */
  end(): void {
    if (this.#shown !== '') this.#output.write(TO_LINE_START_AND_CLEAR);
    this.#shown = '';
  }
}
