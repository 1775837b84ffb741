import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './written-template.ts';

const REQUIREMENTS = fileURLToPath(new URL('requirements.txt', import.meta.url));
const RECIPES = fileURLToPath(new URL('../../dist/recipes/', import.meta.url));

/**
 * Returns the folder with the programs of `requirements.txt`. The first run installs them with pip, which takes minutes;
 * later runs use the same folder. Errors: an Error if there is no Python, or with pip's output.
 */
export async function pythonTools(): Promise<string> {
  const wanted = createHash('sha256').update(readFileSync(REQUIREMENTS)).digest('hex').slice(0, 16);
  const environment = join(RECIPES, `python-${wanted}`);
  const complete = join(environment, 'complete.txt');
  if (!existsSync(complete)) {
    rmSync(environment, { recursive: true, force: true });
    await run('python3', ['-m', 'venv', environment]);
    const options = ['--quiet', '--disable-pip-version-check', '--requirement', REQUIREMENTS];
    await run(join(environment, 'bin', 'pip'), ['install', ...options]);
    writeFileSync(complete, ''); // what an interrupted installation leaves is removed by the next one
  }
  return join(environment, 'bin');
}
