import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Mutant } from './mutants.ts';

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));
const COPIED = ['functions', 'test/fakes', 'test/simulation', 'local/clock.ts', 'package.json'];

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
export function mutatedCopy(mutant: Mutant): { directory: string; remove(): void } {
  const files = mutated(mutant);
  const directory = mkdtempSync(join(tmpdir(), 'batchdrop-mutant-'));
  for (const path of COPIED) cpSync(join(PROJECT, path), join(directory, path), { recursive: true });
  for (const [file, source] of files) writeFileSync(join(directory, file), source);
  return { directory, remove: () => rmSync(directory, { recursive: true, force: true }) };
}
