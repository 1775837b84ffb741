import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Mutant } from './mutants.ts';

const PROJECT = fileURLToPath(new URL('../../../', import.meta.url));
const MAX_ANSWER = 64 * 1024 * 1024; // the story of a long history
const COPIED = ['functions', 'test/fakes', 'test/simulation', 'local/clock.ts', 'package.json'];

export interface MutatedCopy {
  directory: string;
  /** What a script of the simulation says in the copy, also if it ends with 1, which means that something is broken. */
  run(script: string, ...args: string[]): Promise<string>;
  remove(): void;
}

/** The source with the defect in it. Throws when an anchor is gone, or is there more than once. */
export function mutated(mutant: Mutant): Map<string, string> {
  const files = new Map<string, string>();
  for (const { file, anchor, replacement } of mutant.patches) {
    const source = files.get(file) ?? readFileSync(join(PROJECT, file), 'utf8');
    const found = source.split(anchor).length - 1;
    if (found !== 1)
      throw new Error(`${mutant.name}: its anchor is ${found} times in ${file}, not once:\n${anchor}`);
    files.set(
      file,
      source.replace(anchor, () => replacement),
    );
  }
  return files;
}

/** A copy of what the simulation needs, with the defect, in a temporary directory; `remove` takes it away. */
export function mutatedCopy(mutant: Mutant): MutatedCopy {
  const files = mutated(mutant);
  const directory = mkdtempSync(join(tmpdir(), 'batchdrop-mutant-'));
  for (const path of COPIED) cpSync(join(PROJECT, path), join(directory, path), { recursive: true });
  for (const [file, source] of files) writeFileSync(join(directory, file), source);
  return {
    directory,
    run: (script, ...args) => runScript(join(directory, 'test/simulation', script), args),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

async function runScript(path: string, args: string[]): Promise<string> {
  const ended = promisify(execFile)(process.execPath, [path, ...args], { maxBuffer: MAX_ANSWER });
  return ended.then(
    ({ stdout }) => stdout,
    (failure: { code?: unknown; stdout?: string }) => {
      if (failure.code !== 1) throw failure;
      return failure.stdout ?? '';
    },
  );
}
