import { createWriteStream, mkdirSync, renameSync, statSync, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

const MAX_LOG_BYTES = 20_000_000; // a longer one is renamed to `.old` when the runtime starts

/** The output of all processes of one function, as JSON lines in `<directory>/<function>.log`. */
export class FunctionLog {
  readonly path: string;
  readonly #file: WriteStream;
  readonly #onLine: (line: string) => void;

  /** `onLine` receives each line as the function printed it. */
  constructor(directory: string, functionName: string, onLine: (line: string) => void = () => {}) {
    this.#onLine = onLine;
    mkdirSync(directory, { recursive: true });
    this.path = join(directory, `${functionName}.log`);
    if ((statSync(this.path, { throwIfNoEntry: false })?.size ?? 0) > MAX_LOG_BYTES) {
      renameSync(this.path, `${this.path}.old`);
    }
    this.#file = createWriteStream(this.path, { flags: 'a' });
    this.#file.on('error', () => {}); // a lost log line must not end the runtime; a full disk causes other errors
  }

  /** Logs one output stream of a process. Resolves after its last line. */
  follow(output: Readable, stream: 'stdout' | 'stderr', pid: number | undefined): Promise<void> {
    const lines = createInterface({ input: output, crlfDelay: Number.POSITIVE_INFINITY });
    lines.on('line', (line) => {
      this.#file.write(`${asJsonLine(line, stream, pid)}\n`);
      this.#onLine(line);
    });
    return new Promise((resolve) => lines.once('close', resolve));
  }

  /** Flushes and closes the file. */
  close(): Promise<void> {
    return new Promise((resolve) => this.#file.end(resolve));
  }
}

/** A function logs JSON objects; Node prints plain text when it crashes. */
function asJsonLine(line: string, stream: 'stdout' | 'stderr', pid: number | undefined): string {
  if (line.startsWith('{') && line.endsWith('}')) return line;
  return JSON.stringify({ stream, pid, message: line });
}
