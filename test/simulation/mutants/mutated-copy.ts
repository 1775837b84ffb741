import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { scannerBytes } from '../../../functions/shared/scanner/scanner-bytes.ts';
import type { Mutant } from './mutants.ts';

const PROJECT = fileURLToPath(new URL('../../../', import.meta.url));
const MAX_OUTPUT = 64 * 1024 * 1024; // the trace of a long history
// Includes the compiled scanner, because a copy has no compiler.
const COPIED = [
  'functions',
  'dist/scanner',
  'test/fakes',
  'test/simulation',
  'local/clock.ts',
  'package.json',
];

export interface MutatedCopy {
  directory: string;
  /**
   * Runs a script of the simulation in the copy. Returns its output, also at exit code 1, which means a broken promise.
   */
  run(script: string, ...args: string[]): Promise<string>;
  remove(): void;
}

/** Returns the changed files with the defect. Throws unless each anchor occurs exactly once. */
export function mutated(mutant: Mutant): Map<string, string> {
  const files = new Map<string, string>();
  for (const { file, anchor, replacement } of mutant.patches) {
    const source = files.get(file) ?? readFileSync(join(PROJECT, file), 'utf8');
    const found = source.split(anchor).length - 1;
    if (found !== 1)
      throw new Error(`${mutant.name}: its anchor occurs ${found} times in ${file}, not once:\n${anchor}`);
    files.set(
      file,
      source.replace(anchor, () => replacement),
    );
  }
  return files;
}

/** Copies what the simulation needs, with the defect, into a temporary directory. `remove` deletes it. */
export function mutatedCopy(mutant: Mutant): MutatedCopy {
  const files = mutated(mutant);
  scannerBytes(); // compiled now, if it was not before
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
  const ended = promisify(execFile)(process.execPath, [path, ...args], { maxBuffer: MAX_OUTPUT });
  return ended.then(
    ({ stdout }) => stdout,
    (failure: { code?: unknown; stdout?: string }) => {
      if (failure.code !== 1) throw failure;
      return failure.stdout ?? '';
    },
  );
}
