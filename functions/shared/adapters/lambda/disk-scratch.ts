import { close, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { RetryableError } from '../../domain/errors.ts';
import type { Scratch, ScratchFile } from '../../ports/ports.ts';

const IN_MEMORY_BYTES = 1024 * 1024;
const FIRST_BYTES = 64 * 1024;

const closed = promisify(close);

/**
 * Scratch files in the function's temporary directory. Each file is unlinked as soon as it is open, so its space is
 * freed however the process ends. Reads and writes go to the page cache, so they are synchronous. `inMemoryBytes`: a
 * file of at most this size stays in memory. The default is 1 MiB, which is enough for most small jobs.
 */
export function createDiskScratch(directory = tmpdir(), inMemoryBytes = IN_MEMORY_BYTES): Scratch {
  return { open: async () => new DiskFile(directory, inMemoryBytes) };
}

class DiskFile implements ScratchFile {
  readonly #directory: string;
  readonly #inMemoryBytes: number;
  /** Absent while everything is in memory. */
  #descriptor: number | undefined;
  #memory = Buffer.alloc(0);
  #length = 0;

  constructor(directory: string, inMemoryBytes: number) {
    this.#directory = directory;
    this.#inMemoryBytes = inMemoryBytes;
  }

  async write(bytes: Uint8Array): Promise<void> {
    const length = this.#length + bytes.length;
    if (this.#descriptor === undefined && length <= this.#inMemoryBytes) return this.#keep(bytes, length);
    try {
      this.#append(bytes, this.#opened());
    } catch (cause) {
      throw new RetryableError(`scratch: the disk is full after ${this.#length} bytes`, { cause });
    }
  }

  read(start: number, target: Uint8Array): void {
    const end = start + target.length;
    if (end > this.#length) throw new RangeError(`scratch: ${end} is beyond its ${this.#length} bytes`);
    if (this.#descriptor === undefined) {
      target.set(this.#memory.subarray(start, end));
      return;
    }
    for (let done = 0; done < target.length; ) {
      done += readSync(this.#descriptor, target, done, target.length - done, start + done);
    }
  }

  async discard(): Promise<void> {
    this.#memory = Buffer.alloc(0);
    this.#length = 0;
    const descriptor = this.#descriptor;
    if (descriptor === undefined) return;
    this.#descriptor = undefined;
    await closed(descriptor).catch(() => {}); // in another thread, because it frees all pages of the file
  }

  #keep(bytes: Uint8Array, length: number): void {
    if (length > this.#memory.length) {
      const larger = Buffer.allocUnsafe(Math.max(FIRST_BYTES, length, 2 * this.#memory.length));
      larger.set(this.#memory.subarray(0, this.#length));
      this.#memory = larger;
    }
    this.#memory.set(bytes, this.#length);
    this.#length = length;
  }

  /** Opens the file, and moves to it what is in memory so far. */
  #opened(): number {
    if (this.#descriptor !== undefined) return this.#descriptor;
    const kept = this.#memory.subarray(0, this.#length);
    const folder = mkdtempSync(join(this.#directory, 'batchdrop-scratch-'));
    this.#descriptor = openSync(join(folder, 'lines'), 'wx+', 0o600);
    rmSync(folder, { recursive: true });
    this.#length = 0;
    this.#append(kept, this.#descriptor);
    this.#memory = Buffer.alloc(0);
    return this.#descriptor;
  }

  #append(bytes: Uint8Array, descriptor: number): void {
    for (let done = 0; done < bytes.length; ) {
      const written = writeSync(descriptor, bytes, done, bytes.length - done, this.#length);
      this.#length += written;
      done += written;
    }
  }
}
