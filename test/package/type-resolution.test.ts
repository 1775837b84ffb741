import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { archiveIn, install, NEWEST_PEERS, newFolder, PROJECT, peersAt, run } from './installed-package.ts';

/** It fails to compile if the types are not found, or if they are found as `any`. */
const USE = `
import { Batchdrop } from 'batchdrop';
import { type BatchdropEvent, hasEnded } from 'batchdrop/events';
import type { Construct } from 'constructs';

export const make = (scope: Construct) => new Batchdrop(scope, 'Batchdrop', { maxAttempts: 2 });
export const ends = (event: BatchdropEvent): boolean =>
  event['detail-type'] === 'OpenAI Batch Status Change' && hasEnded(event.detail.data.status);
// @ts-expect-error A number has no unit.
export const wrong = (scope: Construct) => new Batchdrop(scope, 'Batchdrop', { pollInterval: 5 });
// @ts-expect-error A status is a text.
hasEnded(1);
`;

const TYPESCRIPT_7 = join(PROJECT, 'node_modules/typescript/bin/tsc');
/** The TypeScript of jsii, which still resolves modules as in the time before \`exports\`. */
const TYPESCRIPT_6 = createRequire(createRequire(import.meta.url).resolve('jsii/package.json')).resolve(
  'typescript/lib/tsc.js',
);

/** How TypeScript finds the types, by what sets it so. */
const SETTINGS: readonly [title: string, compiler: string, file: string, settings: string[]][] = [
  [
    'before `exports`: `node10`',
    TYPESCRIPT_6,
    'use.ts',
    ['--module', 'commonjs', '--moduleResolution', 'node10', '--ignoreDeprecations', '6.0'],
  ],
  ['CommonJS: `node16`', TYPESCRIPT_6, 'use.cts', ['--module', 'node16']],
  ['an ES module: `node16`', TYPESCRIPT_6, 'use.mts', ['--module', 'node16']],
  ['a bundler', TYPESCRIPT_6, 'use.ts', ['--module', 'esnext', '--moduleResolution', 'bundler']],
  ['CommonJS: `nodenext` of TypeScript 7', TYPESCRIPT_7, 'use.cts', ['--module', 'nodenext']],
  ['an ES module: `nodenext` of TypeScript 7', TYPESCRIPT_7, 'use.mts', ['--module', 'nodenext']],
];

let folder: string;
let archive: string;

beforeAll(async () => {
  folder = newFolder();
  archive = await archiveIn(folder);
  await install(folder, archive, ...peersAt(NEWEST_PEERS), '@arethetypeswrong/cli@0.18.5');
}, 600_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('TypeScript finds the types of both entries', () => {
  it.each(SETTINGS)('for %s', async (_, compiler, file, settings) => {
    writeFileSync(join(folder, file), USE);
    const options = ['--strict', '--noEmit', '--skipLibCheck', '--target', 'es2022'];
    await run(process.execPath, [compiler, ...options, ...settings, file], { cwd: folder });
  });
});

it('"Are the types wrong?" finds nothing wrong in any of its settings', async () => {
  const manifest = JSON.parse(readFileSync(join(folder, 'node_modules/batchdrop/package.json'), 'utf8'));
  expect(manifest).not.toHaveProperty('private');
  const attw = join(folder, 'node_modules/.bin/attw');
  const { stdout } = await run(process.execPath, [attw, archive, '--format', 'json'], { cwd: folder });
  const { analysis } = JSON.parse(stdout);
  expect(Object.keys(analysis.entrypoints)).toEqual(expect.arrayContaining(['.', './events']));
  expect(analysis.problems).toEqual([]);
});
