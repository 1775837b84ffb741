import { expect, it } from 'vitest';
import { base32, isJobId, isJobIdPrefix, jobIdOf } from '../../../functions/shared/domain/job-id.ts';

it.each([
  ['', ''],
  ['f', 'my'],
  ['fo', 'mzxq'],
  ['foo', 'mzxw6'],
  ['foob', 'mzxw6yq'],
  ['fooba', 'mzxw6ytb'],
  ['foobar', 'mzxw6ytboi'],
])('base32 of "%s" is "%s", as in RFC 4648, in lower case and without padding', (text, encoded) => {
  expect(base32(Buffer.from(text))).toBe(encoded);
});

it('a job id is the same for the same object version, and has 26 characters', () => {
  const file = { bucket: 'requests', key: 'a/ü.jsonl', versionId: 'v1' };
  expect(jobIdOf(file)).toMatch(/^[a-z2-7]{26}$/);
  expect(jobIdOf({ versionId: 'v1', key: 'a/ü.jsonl', bucket: 'requests' })).toBe(jobIdOf(file));
});

it('a job id differs for any other bucket, key or version, also if only their boundaries differ', () => {
  const files = [
    { bucket: 'b', key: 'k', versionId: 'v' },
    { bucket: 'bk', key: '', versionId: 'v' },
    { bucket: 'b', key: 'kv', versionId: '' },
    { bucket: 'b', key: 'k","v', versionId: '' },
    { bucket: 'b', key: 'K', versionId: 'v' },
    { bucket: 'b', key: 'k', versionId: 'v2' },
  ];
  expect(new Set(files.map(jobIdOf)).size).toBe(files.length);
});

it.each([
  ['abc', false],
  ['abc2', true],
  ['abc1', false],
  ['ABCD', false],
  ['a'.repeat(25), true],
  ['a'.repeat(26), true],
  ['a'.repeat(27), false],
])('%s can be looked up as a prefix of a job id: %s', (text, expected) => {
  expect(isJobIdPrefix(text)).toBe(expected);
  expect(isJobId(text)).toBe(text.length === 26);
});
