import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RetryableError } from '../../domain/errors.ts';
import type { Scratch, ScratchFile } from '../../ports/ports.ts';

/**
 * Scratch files in the function's temporary directory. Each loses its name at once, so that its room comes back however
 * the process ends. Reads and writes go to the page cache and are not worth a trip through the thread pool.
 */
export function createDiskScratch(directory = tmpdir()): Scratch {
  return { open: async () => new DiskFile(directory) };
}

class DiskFile implements ScratchFile {
  readonly #descriptor: number;
  #length = 0;
  #isOpen = true;

  constructor(directory: string) {
    const folder = mkdtempSync(join(directory, 'batchdrop-scratch-'));
    this.#descriptor = openSync(join(folder, 'lines'), 'wx+', 0o600);
    rmSync(folder, { recursive: true });
  }

  async write(bytes: Uint8Array): Promise<void> {
    try {
      for (let done = 0; done < bytes.length; ) {
        const written = writeSync(this.#descriptor, bytes, done, bytes.length - done, this.#length);
        this.#length += written;
        done += written;
      }
    } catch (cause) {
      throw new RetryableError(`scratch: the disk does not take more than ${this.#length} bytes`, { cause });
    }
  }

  async read(start: number, target: Uint8Array): Promise<void> {
    const end = start + target.length;
    if (end > this.#length) throw new RangeError(`scratch: ${end} is beyond its ${this.#length} bytes`);
    for (let done = 0; done < target.length; ) {
      done += readSync(this.#descriptor, target, done, target.length - done, start + done);
    }
  }

  async discard(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    closeSync(this.#descriptor);
  }
}
