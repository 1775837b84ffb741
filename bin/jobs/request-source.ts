import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Failure } from '../terminal/failure.ts';
import { temporaryFolder } from '../terminal/temporary-folder.ts';

/** A file to upload to the request bucket. */
export interface RequestSource {
  /** The name on the command line. */
  readonly file: string;
  /** A path that can be read several times. */
  readonly path: string;
  readonly key: string;
  readonly bytes: number;
}

const STDIN = '-';

/**
 * Opens the files named on the command line. `key`: the object key if there is only one file. `discard` deletes the
 * copy of stdin. Throws a Failure.
 */
export async function openSources(
  files: readonly string[],
  key: string | undefined,
): Promise<{ sources: RequestSource[]; discard: () => void }> {
  if (key !== undefined && files.length > 1) {
    throw new Failure('--name works with one file only. Submit the files one by one, or omit --name.');
  }
  if (files.includes(STDIN) && key === undefined) {
    throw new Failure('stdin needs an object key. Add --name NAME.jsonl, and submit no other file with it.');
  }
  const directory = files.includes(STDIN) ? temporaryFolder('batchdrop-stdin') : undefined;
  const discard = () => directory?.discard();
  try {
    const sources: RequestSource[] = [];
    for (const file of files) {
      // stdin is copied to a file, because S3 needs the length first, and a dry run reads the file twice.
      const path = file === STDIN && directory ? await copyStdin(directory.path) : file;
      sources.push(await sourceOf(file, { path, key }));
    }
    refuseOneKeyTwice(sources);
    return { sources, discard };
  } catch (failure) {
    discard();
    throw failure;
  }
}

/** Returns a file to upload. Its key is the name of the file, unless `key` is given. Throws a Failure. */
export async function sourceOf(
  file: string,
  { path = file, key }: { path?: string; key?: string | undefined } = {},
): Promise<RequestSource> {
  return { file, path, key: key ?? basename(file), bytes: await sizeOf(path, file) };
}

/** Returns a stream of the content. */
export function contentOf(source: RequestSource) {
  return createReadStream(source.path);
}

/** Copies stdin to a file, which can be read several times. `discard` deletes it. */
export async function copyOfStdin(): Promise<{ path: string; discard: () => void }> {
  const { path: directory, discard } = temporaryFolder('batchdrop-stdin');
  try {
    return { path: await copyStdin(directory), discard };
  } catch (failure) {
    discard();
    throw failure;
  }
}

async function copyStdin(directory: string): Promise<string> {
  const path = join(directory, 'requests.jsonl');
  await pipeline(process.stdin, createWriteStream(path, { mode: 0o600 }));
  return path;
}

async function sizeOf(path: string, file: string): Promise<number> {
  const facts = await stat(path).catch((cause: Error) => {
    throw new Failure(`${file} cannot be read: ${cause.message}`, { cause });
  });
  if (facts.isDirectory()) throw new Failure(`'${file}' is a directory. Give a file.`);
  if (!facts.isFile())
    throw new Failure(`'${file}' is not a regular file. To read a pipe: submit - --name NAME.jsonl`);
  return facts.size;
}

function refuseOneKeyTwice(sources: readonly RequestSource[]): void {
  const first = new Map<string, string>();
  for (const { file, key } of sources) {
    const other = first.get(key);
    if (other !== undefined) {
      throw new Failure(
        `${other} and ${file} would both get the object key ${key}. Submit them one by one with --name.`,
      );
    }
    first.set(key, file);
  }
}
