import { createWriteStream, mkdirSync, renameSync, statSync, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

const MAX_LOG_BYTES = 20_000_000; // a longer one is put aside as `.old` when the runtime starts

/** What all processes of one function print, as JSON lines in `<directory>/<function>.log`. */
export class FunctionLog {
  readonly path: string;
  readonly #file: WriteStream;

  constructor(directory: string, functionName: string) {
    mkdirSync(directory, { recursive: true });
    this.path = join(directory, `${functionName}.log`);
    if ((statSync(this.path, { throwIfNoEntry: false })?.size ?? 0) > MAX_LOG_BYTES) {
      renameSync(this.path, `${this.path}.old`);
    }
    this.#file = createWriteStream(this.path, { flags: 'a' });
    this.#file.on('error', () => {}); // a full disk shows where it matters; a lost log line must not end the runtime
  }

  /** Follows one output of a process. Resolves once its last line is taken. */
  follow(output: Readable, stream: 'stdout' | 'stderr', pid: number | undefined): Promise<void> {
    const lines = createInterface({ input: output, crlfDelay: Number.POSITIVE_INFINITY });
    lines.on('line', (line) => this.#file.write(`${asJsonLine(line, stream, pid)}\n`));
    return new Promise((resolve) => lines.once('close', resolve));
  }

  /** Flushes. */
  close(): Promise<void> {
    return new Promise((resolve) => this.#file.end(resolve));
  }
}

/** A function logs JSON objects; what the engine itself prints as it dies is plain text. */
function asJsonLine(line: string, stream: 'stdout' | 'stderr', pid: number | undefined): string {
  if (line.startsWith('{') && line.endsWith('}')) return line;
  return JSON.stringify({ stream, pid, message: line });
}
