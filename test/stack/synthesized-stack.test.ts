import { execFile } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { FUNCTION_NAMES } from '../../lib/stages/function-bundles.ts';
import { freshClone } from './fresh-clone.ts';

const run = promisify(execFile);

/**
 * A fresh clone with functions that do nothing. It is built four times, and the build does not depend on their code.
 */
function cloneWithSmallFunctions(): string {
  const clone = freshClone('local');
  for (const name of FUNCTION_NAMES)
    writeFileSync(join(clone, `functions/${name}/index.ts`), 'export const handler = async () => {};\n');
  return clone;
}

/** Returns the folder of the stack that a start in the project uses, and whether the start built it. */
async function start(
  project: string,
  context: Record<string, string> = {},
): Promise<{ path: string; wasBuilt: boolean }> {
  const program = `
    import { synthesizedStack } from './bin/up/synthesis.ts';
    let wasBuilt = false;
    const context = ${JSON.stringify(context)};
    const path = await synthesizedStack({ context, onBuild: () => { wasBuilt = true; } });
    console.log(JSON.stringify({ path, wasBuilt }));`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: project,
  });
  return JSON.parse(stdout);
}

it('npm start builds the stack once per state of the source, and keeps builds that were used in the last week', async () => {
  const project = cloneWithSmallFunctions();
  // Two starts at once: each builds, one build is kept, and neither start sees an incomplete one.
  const [first, beside] = await Promise.all([start(project), start(project)]);
  expect(beside.path).toBe(first.path);
  expect(readdirSync(first.path)).toContain('Batchdrop.template.json');
  expect(readdirSync(join(first.path, '..'))).toHaveLength(1);

  const builtAt = statSync(join(first.path, 'Batchdrop.template.json')).mtimeMs;
  expect(await start(project)).toEqual({ path: first.path, wasBuilt: false });
  expect(statSync(join(first.path, 'Batchdrop.template.json')).mtimeMs).toBe(builtAt);

  // Another setting makes another stack from the same bundles.
  const bundles = join(project, 'dist/bundles');
  const [bundled = ''] = readdirSync(bundles);
  const bundledAt = statSync(join(bundles, bundled, 'cancel/index.js')).mtimeMs;
  const other = await start(project, { webhook: 'yes' });
  expect(other).toMatchObject({ wasBuilt: true });
  expect(readFileSync(join(other.path, 'bundles/cancel/index.js'))).toEqual(
    readFileSync(join(first.path, 'bundles/cancel/index.js')),
  );
  expect(readdirSync(bundles)).toEqual([bundled]);
  expect(statSync(join(bundles, bundled, 'cancel/index.js')).mtimeMs).toBe(bundledAt);

  appendFileSync(join(project, 'functions/cancel/index.ts'), '\nconsole.log("changed");\n');
  const eightDaysAgo = new Date(Date.now() - 8 * 86_400_000);
  utimesSync(first.path, eightDaysAgo, eightDaysAgo);
  const changed = await start(project);
  expect(changed).toMatchObject({ wasBuilt: true });
  expect(changed.path).not.toBe(first.path);
  expect(existsSync(first.path)).toBe(false);
});
