/*
 * jsii checks the public types by the rules of the CDK's languages: readonly props, named interfaces, no generics.
 */
import { execFile } from 'node:child_process';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { expect, it } from 'vitest';
import { copyForJsii } from '../../lib/bundling/jsii-source.ts';
import { temporaryDirectory } from './synthesis.ts';

const JSII = fileURLToPath(import.meta.resolve('jsii/bin/jsii'));

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
  const copy = temporaryDirectory();
  await copyForJsii(copy);
  const planted = 'export interface Planted<T> {\n  value: T;\n}\n';
  writeFileSync(join(copy, 'lib/planted.ts'), planted);
  appendFileSync(join(copy, 'lib/index.ts'), "export type { Planted } from './planted.ts';\n");
  const complaints = (await complaintsOf(copy)).toSorted();
  expect(complaints).toEqual([
    expect.stringContaining('JSII1006: Generic types are not supported'),
    expect.stringMatching(/JSII3008: The "value" property of struct "batchdrop\.Planted" must be "readonly"/),
  ]);
});
