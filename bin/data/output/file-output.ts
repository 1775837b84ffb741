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
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}.tmp`);
  try {
    return new FileOutput(path, temporary, await open(temporary, 'wx'));
  } catch (cause) {
    throw new Failure(`${path} cannot be written: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    });
  }
}

class FileOutput implements Output {
  readonly #path: string;
  readonly #temporary: string;
  readonly #file: FileHandle;
  #isRenamed = false;

  constructor(path: string, temporary: string, file: FileHandle) {
    this.#path = path;
    this.#temporary = temporary;
    this.#file = file;
  }

  async write(lines: Uint8Array): Promise<void> {
    await this.#file.writeFile(lines); // all of it, at the current position
  }

  async succeed(): Promise<void> {
    await this.#file.sync(); // a crash of the machine must not leave an empty file under the final name
    await this.#file.close();
    await rename(this.#temporary, this.#path);
    this.#isRenamed = true;
  }

  async fail(): Promise<void> {
    if (this.#isRenamed) return;
    rmSync(this.#temporary, { force: true }); // at once, because a second signal may end the process
    await this.#file.close().catch(() => {}); // it may be closed already
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
