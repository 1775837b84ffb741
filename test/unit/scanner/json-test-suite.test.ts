import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { validateRow } from '../../../functions/shared/request-file/validate-row.ts';
import { compareScans } from '../../fuzz/compare-scans.ts';

// github.com/nst/JSONTestSuite, of 22 November 2024: y_ is JSON, n_ is not, and RFC 8259 leaves i_ undefined.
const SUITE = fileURLToPath(new URL('../../json-test-suite/test_parsing/', import.meta.url));
const vectors = readdirSync(SUITE).map((name) => ({ name, bytes: readFileSync(SUITE + name) }));

/** Returns the vector as a value in an otherwise good row. */
const rowWith = (vector: Buffer) =>
  Buffer.concat([
    Buffer.from('{"custom_id":"r","method":"POST","url":"/v1/responses","body":{"model":"m","value":'),
    vector,
    Buffer.from('}}'),
  ]);
const fileOf = (lines: readonly Buffer[]) =>
  Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')]));

it('all vectors as lines get the same result with and without the scanner', () => {
  expect(vectors.length).toBe(318);
  const file = fileOf(vectors.map(({ bytes }) => bytes));
  expect(compareScans(file, [1_000, 30_000]).differences).toEqual([]);
});

it('all vectors as values get the same result with and without the scanner, and only valid JSON needs no parsing', () => {
  const inOneLine = vectors.filter(({ bytes }) => !bytes.includes(0x0a)); // a line feed in a vector ends the row
  const decided = inOneLine.filter(({ name }) => !name.startsWith('i_'));
  const good = decided.filter(({ name }) => name.startsWith('y_'));
  expect([decided.length, good.length]).toEqual([273, 91]);
  for (const { name, bytes } of decided)
    expect('row' in validateRow(rowWith(bytes)), name).toBe(name.startsWith('y_'));
  const { differences, fast } = compareScans(fileOf(decided.map(({ bytes }) => rowWith(bytes))), []);
  expect(differences).toEqual([]);
  expect(fast).toBe(good.length);
  const open = fileOf(vectors.map(({ bytes }) => rowWith(bytes)));
  expect(compareScans(open, [777]).differences).toEqual([]);
});
