/*
 * jsii checks the public types by the rules of the CDK's languages: readonly props, named interfaces, no generics. It
 * compiles a temporary copy of the source. The copy has what a published jsii module has and this project lacks: a
 * package.json with a `jsii` section, and a README. jsii requires a tsconfig.json that emits, so the one in the copy
 * also rewrites the `.ts` in imports.
 */
import { execFile } from 'node:child_process';
import { appendFileSync, cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { expect, it } from 'vitest';
import { temporaryDirectory } from './synthesis.ts';

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));
const JSII = fileURLToPath(import.meta.resolve('jsii/bin/jsii'));

const { dependencies } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8'));
const PEERS = { 'aws-cdk-lib': dependencies['aws-cdk-lib'], constructs: dependencies.constructs };

const MANIFEST = {
  name: 'batchdrop',
  version: '0.0.0',
  license: 'MIT',
  author: { name: 'Batchdrop' },
  repository: { type: 'git', url: 'https://example.com/batchdrop.git' },
  type: 'module',
  main: 'out/lib/index.js',
  types: 'out/lib/index.d.ts',
  jsii: { outdir: 'out', targets: {} },
  peerDependencies: PEERS,
  devDependencies: PEERS,
};

const TSCONFIG = {
  extends: join(PROJECT, 'tsconfig.json'),
  compilerOptions: {
    noEmit: false,
    declaration: true,
    rewriteRelativeImportExtensions: true,
    rootDir: '.',
    outDir: 'out',
  },
  include: [],
  files: ['lib/index.ts'],
};

/** Returns a copy of the source that jsii can compile. */
function copyOfSource(): string {
  const copy = temporaryDirectory();
  for (const folder of ['lib', 'functions'])
    cpSync(join(PROJECT, folder), join(copy, folder), { recursive: true });
  symlinkSync(join(PROJECT, 'node_modules'), join(copy, 'node_modules'));
  writeFileSync(join(copy, 'README.md'), '# Batchdrop\n');
  writeFileSync(join(copy, 'package.json'), JSON.stringify(MANIFEST));
  writeFileSync(join(copy, 'tsconfig.json'), JSON.stringify(TSCONFIG));
  return copy;
}

/** Compiles with warnings as errors. Returns what jsii prints if it fails, one line per error or warning. */
function complaintsOf(copy: string): Promise<string[]> {
  const options = ['--tsconfig', 'tsconfig.json', '--validate-tsconfig', 'minimal', '--fail-on-warnings'];
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [JSII, ...options], { cwd: copy }, (failure, stdout, stderr) => {
      const printed = stripVTControlCharacters(`${stdout}${stderr}`);
      const complaints = printed.split('\n').filter((line) => /\b(error|warning) \w+\d+: /.test(line));
      if ((failure === null) === (complaints.length === 0)) resolve(complaints);
      else reject(new Error(`jsii: ${printed}`, { cause: failure }));
    });
  });
}

// One compilation for both checks, because jsii runs for half a minute.
it('jsii complains of a planted generic interface and writable prop, and of nothing else in the public types', async () => {
  const copy = copyOfSource();
  const planted = 'export interface Planted<T> {\n  value: T;\n}\n';
  writeFileSync(join(copy, 'lib/planted.ts'), planted);
  appendFileSync(join(copy, 'lib/index.ts'), "export type { Planted } from './planted.ts';\n");
  const complaints = (await complaintsOf(copy)).toSorted();
  expect(complaints).toEqual([
    expect.stringContaining('JSII1006: Generic types are not supported'),
    expect.stringMatching(/JSII3008: The "value" property of struct "batchdrop\.Planted" must be "readonly"/),
  ]);
});
