import { randomUUID } from 'node:crypto';
import { createReadStream, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';

/** A contiguous piece of an object's content: one whole data file. */
export interface Piece {
  readonly file: string;
  readonly size: number;
}

const READ_BYTES = 256 * 1024;

/**
 * The bytes of objects, in files with generated names. A file counts only once the metadata names it. Files that a
 * killed process left behind are therefore deleted at the next start. A removed file remains until its last reader has
 * finished.
 */
export class DataFiles {
  readonly #directory: string;
  readonly #readers = new Map<string, number>();
  readonly #doomed = new Set<string>();

  constructor(directory: string) {
    this.#directory = directory;
    mkdirSync(directory, { recursive: true });
  }

  /** Writes a new file. If the source fails, no file remains. */
  async write(source: AsyncIterable<Uint8Array>): Promise<Piece> {
    const file = randomUUID();
    const handle = await open(this.#path(file), 'wx');
    let size = 0;
    try {
      for await (const bytes of source) {
        await handle.writeFile(bytes);
        size += bytes.length;
      }
      await handle.close();
    } catch (error) {
      await handle.close().catch(() => {}); // the first failure is the one to report
      this.remove([file]);
      throw error;
    }
    return { file, size };
  }

  /** Reads the bytes from `start` to `end` (exclusive) of the concatenated pieces. */
  async *read(pieces: readonly Piece[], start: number, end: number): AsyncGenerator<Buffer> {
    let pieceStart = 0;
    for (const piece of pieces) {
      const from = Math.max(start - pieceStart, 0);
      const to = Math.min(end - pieceStart, piece.size);
      pieceStart += piece.size;
      if (from >= to) continue;
      const options = { start: from, end: to - 1, highWaterMark: READ_BYTES };
      yield* createReadStream(this.#path(piece.file), options);
    }
  }

  /** Keeps the pieces readable, even if they are removed, until the returned function is called. */
  hold(pieces: readonly Piece[]): () => void {
    for (const { file } of pieces) this.#readers.set(file, (this.#readers.get(file) ?? 0) + 1);
    return () => {
      for (const { file } of pieces) this.#release(file);
    };
  }

  remove(files: readonly string[]): void {
    for (const file of files) {
      if (this.#readers.has(file)) this.#doomed.add(file);
      else rmSync(this.#path(file), { force: true });
    }
  }

  /** Deletes every file that the metadata does not name. */
  sweep(isNamed: (file: string) => boolean): void {
    this.remove(readdirSync(this.#directory).filter((file) => !isNamed(file)));
  }

  #release(file: string): void {
    const readers = (this.#readers.get(file) ?? 1) - 1;
    if (readers > 0) {
      this.#readers.set(file, readers);
      return;
    }
    this.#readers.delete(file);
    if (this.#doomed.delete(file)) this.remove([file]);
  }

  #path(file: string): string {
    return join(this.#directory, file);
  }
}
