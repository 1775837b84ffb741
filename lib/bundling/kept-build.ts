import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));
const MAX_UNUSED_MS = 7 * 86_400_000;

/** What is built from files of the project, and kept until one of them changes. */
interface KeptBuild {
  /** The folder of all builds of this kind. */
  readonly folder: string;
  /** All files and folders that determine the build, from the project's root. */
  readonly inputs: readonly string[];
  /** What else determines it. */
  readonly context?: string;
  /** Writes the build into an empty folder. */
  readonly build: (draft: string) => Promise<void>;
}

/**
 * Returns the folder of the build, which is made if an input has changed. Callers must not change it. It is removed
 * once it has not been used for a week.
 */
export async function keptBuild({ folder, inputs, context = '', build }: KeptBuild): Promise<string> {
  const kept = join(folder, inputsHash(inputs, context));
  if (!existsSync(kept)) await buildInto(kept, folder, build);
  await renewBuild(kept);
  await removeUnused(folder);
  return kept;
}

/** Notes that the build is in use. */
export async function renewBuild(kept: string): Promise<void> {
  const now = new Date();
  await utimes(kept, now, now).catch(() => {}); // if this fails, it may be built once more
}

function inputsHash(inputs: readonly string[], context: string): string {
  const hash = createHash('sha256').update(`${process.version}\0${PROJECT}\0${context}\0`);
  for (const file of inputs.flatMap((input) => filesOf(join(PROJECT, input)))) {
    const content = readFileSync(file);
    hash.update(`${relative(PROJECT, file)}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex').slice(0, 32);
}

function filesOf(path: string): string[] {
  if (!existsSync(path)) return [];
  if (statSync(path).isFile()) return [path];
  const entries = readdirSync(path, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/**
 * Built in another folder and renamed, so that nobody sees an incomplete one. If several runs build the same, one
 * result is kept.
 */
async function buildInto(kept: string, folder: string, build: KeptBuild['build']): Promise<void> {
  await mkdir(folder, { recursive: true });
  const draft = await mkdtemp(join(folder, 'draft-'));
  try {
    await build(draft);
    await rename(draft, kept).catch((cause) => {
      if (!existsSync(kept)) throw cause;
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** Removes what no run has used for a week, including unfinished builds of killed runs. */
async function removeUnused(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const used = await stat(path).catch(() => undefined); // another run may have removed it
    if (used !== undefined && Date.now() - used.mtimeMs > MAX_UNUSED_MS)
      await rm(path, { recursive: true, force: true });
  }
}
