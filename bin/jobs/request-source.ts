import { createReadStream, createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Failure } from '../terminal/failure.ts';

/** Content that is to become an object of the request bucket. */
export interface RequestSource {
  /** What a person calls it: the file's name on the command line. */
  readonly file: string;
  /** Where it can be read, as often as needed. */
  readonly path: string;
  readonly key: string;
  readonly bytes: number;
}

const STDIN = '-';

/** Reads what the command line names; `key` is for one file alone. Throws a Failure. `discard` removes what was made. */
export async function openSources(
  files: readonly string[],
  key: string | undefined,
): Promise<{ sources: RequestSource[]; discard: () => void }> {
  if (key !== undefined && files.length > 1) {
    throw new Failure('--name is for one file: submit these one by one, or leave it out.');
  }
  if (files.includes(STDIN) && key === undefined) {
    throw new Failure('What comes from stdin needs a name: add --name NAME.jsonl (and submit it alone).');
  }
  const directory = files.includes(STDIN) ? mkdtempSync(join(tmpdir(), 'batchdrop-stdin-')) : undefined;
  const discard = () => directory !== undefined && rmSync(directory, { recursive: true, force: true });
  try {
    const sources: RequestSource[] = [];
    for (const file of files) {
      // S3 wants the length first, and a check reads twice: what comes once is kept.
      const path = file === STDIN && directory !== undefined ? await keepStdin(directory) : file;
      sources.push(await sourceOf(file, { path, key }));
    }
    refuseOneKeyTwice(sources);
    return { sources, discard };
  } catch (failure) {
    discard();
    throw failure;
  }
}

/** A file as it is to be put; its own name is the key unless there is another. Throws a Failure. */
export async function sourceOf(
  file: string,
  { path = file, key }: { path?: string; key?: string | undefined } = {},
): Promise<RequestSource> {
  return { file, path, key: key ?? basename(file), bytes: await sizeOf(path, file) };
}

/** The content, from its start. */
export function contentOf(source: RequestSource) {
  return createReadStream(source.path);
}

async function keepStdin(directory: string): Promise<string> {
  const path = join(directory, 'requests.jsonl');
  await pipeline(process.stdin, createWriteStream(path, { mode: 0o600 }));
  return path;
}

async function sizeOf(path: string, file: string): Promise<number> {
  const facts = await stat(path).catch((cause: Error) => {
    throw new Failure(`${file} cannot be read: ${cause.message}`, { cause });
  });
  if (!facts.isFile()) throw new Failure(`${file} is no file.`);
  return facts.size;
}

function refuseOneKeyTwice(sources: readonly RequestSource[]): void {
  const first = new Map<string, string>();
  for (const { file, key } of sources) {
    const other = first.get(key);
    if (other !== undefined) {
      throw new Failure(
        `${other} and ${file} would both become ${key}: submit them one by one, with --name.`,
      );
    }
    first.set(key, file);
  }
}
