/**
 * Writes lines to stdout so that an incomplete file is refused by INTAKE, whatever ends this process:
 * - after a failure or a signal, the last line is not JSON
 * - what was written never ends with a complete line before `succeed`, so after a kill the last line is cut
 *
 * Known gap: a kill in the middle of one write may cut it exactly at the end of a line.
 */
import { Failure } from '../../terminal/failure.ts';
import type { Output } from './output.ts';

/** Ends a file whose requests are not complete. No reader of JSON Lines accepts it. */
const REFUSED_LINE = '\nbatchdrop prepare failed: this file is incomplete, do not submit it\n';
/** The closing brace of a line and its line end. */
const KEPT_BACK_BYTES = 2;

/** The reader of the output ended first, such as `head`. */
export class ReaderGone extends Failure {
  constructor(cause: unknown) {
    super('The reader of the output ended before the last row.', { cause });
  }
}

/** The part of a stream that is used. */
export interface Pipe {
  /** It is a terminal, which nobody submits. */
  readonly isTTY?: boolean;
  write(bytes: Uint8Array, done: (error?: Error | null) => void): unknown;
}

/** Stdout as an output. */
export class PipeOutput implements Output {
  readonly #pipe: Pipe;
  #keptBack = new Uint8Array(0);
  #isEnded = false;

  constructor(pipe: Pipe = process.stdout) {
    this.#pipe = pipe;
  }

  async write(lines: Uint8Array): Promise<void> {
    if (this.#isEnded) await new Promise(() => {}); // a signal is ending the process
    if (lines.length === 0) return;
    const bytes = Buffer.concat([this.#keptBack, lines]);
    this.#keptBack = bytes.subarray(bytes.length - KEPT_BACK_BYTES);
    await this.#send(bytes.subarray(0, bytes.length - KEPT_BACK_BYTES));
  }

  async succeed(): Promise<void> {
    await this.#send(this.#keptBack);
    this.#isEnded = true;
  }

  async fail(): Promise<void> {
    if (this.#isEnded) return;
    this.#isEnded = true;
    if (this.#pipe.isTTY) return;
    await this.#send(Buffer.from(REFUSED_LINE)).catch(() => {}); // a reader that is gone takes nothing
  }

  #send(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#pipe.write(bytes, (error) => (error ? reject(new ReaderGone(error)) : resolve()));
    });
  }
}
