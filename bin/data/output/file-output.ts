import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { type FileHandle, open, realpath, rename, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Failure } from '../../terminal/failure.ts';
import type { Output } from './output.ts';

/**
 * Opens an output that becomes the file at `path` only when it is complete: until then it is a temporary file in the
 * same directory. `inputs`: files that it must not replace. Throws a Failure.
 */
export async function openFileOutput(path: string, inputs: readonly string[]): Promise<Output> {
  await refuseTarget(path, inputs);
  return new FileOutput(path, join(dirname(path), `.${basename(path)}.${randomUUID()}.tmp`));
}

class FileOutput implements Output {
  readonly #path: string;
  readonly #temporary: string;
  /** Not awaited before `fail` may be called: a signal in between must not leave the file behind. */
  readonly #file: Promise<FileHandle>;
  #isRenamed = false;

  constructor(path: string, temporary: string) {
    this.#path = path;
    this.#temporary = temporary;
    this.#file = open(temporary, 'wx').catch((cause: unknown) => {
      throw new Failure(`${path} cannot be written: ${cause instanceof Error ? cause.message : cause}`, {
        cause,
      });
    });
    this.#file.catch(() => {}); // `write` and `succeed` throw it
  }

  async write(lines: Uint8Array): Promise<void> {
    await (await this.#file).writeFile(lines); // all of it, at the current position
  }

  async succeed(): Promise<void> {
    const file = await this.#file;
    await file.sync(); // a crash of the machine must not leave an empty file under the final name
    await file.close();
    await rename(this.#temporary, this.#path);
    this.#isRenamed = true;
  }

  async fail(): Promise<void> {
    if (this.#isRenamed) return;
    const file = await this.#file.catch(() => undefined);
    rmSync(this.#temporary, { force: true }); // first, because a second signal may end the process
    await file?.close().catch(() => {}); // it may be closed already
  }
}

/** Only a regular file can be replaced by a rename without damage. */
async function refuseTarget(path: string, inputs: readonly string[]): Promise<void> {
  const facts = await stat(path).catch(() => undefined);
  if (facts === undefined) return;
  if (facts.isDirectory()) throw new Failure(`'${path}' is a directory. Give the name of a file.`);
  if (!facts.isFile()) throw new Failure(`'${path}' is not a regular file. Omit -o to write to stdout.`);
  const target = await realpath(path);
  for (const input of inputs) {
    if ((await realpath(input).catch(() => input)) === target)
      throw new Failure(`-o ${path} would replace ${input}. Give another name.`);
  }
}
