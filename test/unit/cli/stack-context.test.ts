import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { withContext, withFiles } from '../../../bin/up/stack-context.ts';

const folder = mkdtempSync(join(tmpdir(), 'batchdrop-context-'));

it('adds a setting to those before it', () => {
  const context = withContext('shareWeights=search=3,*=1', withContext('maxOpenBatches=5'));
  expect(context).toEqual({ maxOpenBatches: '5', shareWeights: 'search=3,*=1' });
});

it('takes the JSON of a file in place of its path', () => {
  const file = join(folder, 'budget.json');
  writeFileSync(file, '{"perDay":5}');
  expect(withFiles(withContext(`budget=${file}`))).toEqual({ budget: '{"perDay":5}' });
});

it.each([
  ['maxOpenBatches', 'It must be NAME=VALUE'],
  ['=5', 'It must be NAME=VALUE'],
  [`budget=${join(folder, 'none.json')}`, 'none.json cannot be read: ENOENT'],
])('refuses "%s"', (given, sentence) => {
  expect(() => withFiles(withContext(given))).toThrow(sentence);
});
