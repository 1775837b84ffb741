import { expect, it } from 'vitest';
import {
  anomaliesKey,
  pieceKeys,
  reportKey,
  resultKeys,
  rowTableKey,
} from '../../../functions/shared/domain/result-keys.ts';
import { aJob, aPart } from '../../contracts/samples.ts';

const withKey = (key: string) => ({ ...aJob(), request: { ...aJob().request, key } });
const { jobId } = aJob();

it('lie under the key of the request file and the id of its job', () => {
  const folder = `in/a b.jsonl/${jobId}`;
  const job = withKey('in/a b.jsonl');
  expect(resultKeys(job)).toEqual({
    output: `${folder}/output.jsonl`,
    errors: `${folder}/errors.jsonl`,
    summary: `${folder}/summary.json`,
  });
  expect(anomaliesKey(job)).toBe(`${folder}/anomalies.jsonl`);
  expect(reportKey(job)).toBe(`${folder}/rejected.json`);
});

it.each([
  ['of 900 bytes', 'k'.repeat(900), 'k'.repeat(900)],
  ['of 901 bytes', 'k'.repeat(901), '_long'],
  ['of 902 bytes in fewer characters', 'ü'.repeat(451), '_long'],
])('stay within the 1,024 bytes of S3: a request key %s', (_, key, folder) => {
  const job = withKey(key);
  expect(resultKeys(job).summary).toBe(`${folder}/${jobId}/summary.json`);
  const part = aPart({ number: 10_000, request: { ...aPart().request, key } });
  const keys = [anomaliesKey(job), reportKey(job), ...Object.values(pieceKeys(part, 'x')), rowTableKey(part)];
  for (const longest of keys) expect(Buffer.byteLength(longest)).toBeLessThanOrEqual(1024);
});

it('of a row table lie in a folder of its plan, among the parts', () => {
  const part = aPart({ planId: 'p'.repeat(26), number: 7 });
  expect(rowTableKey(part)).toBe(`${part.request.key}/${jobId}/parts/plan-${'p'.repeat(26)}/00007.rows`);
});

it('of two parts are never the same', () => {
  const parts = [1, 2, 11].map((number) => aPart({ number }));
  const all = parts.flatMap((part) => [...Object.values(pieceKeys(part, 'x')), rowTableKey(part)]);
  expect(new Set(all).size).toBe(all.length);
});
