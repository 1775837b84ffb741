import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  anomaliesKey,
  csvKey,
  KEY_PATTERNS,
  reportKey,
  resultKeys,
} from '../../../functions/shared/contract/result-keys.ts';
import {
  checkpointKey,
  flatPieceKey,
  internalFolder,
  pieceKeys,
  rowTableKey,
} from '../../../functions/shared/domain/internal-keys.ts';
import { aJob } from '../../contracts/samples.ts';

const { jobId } = aJob();
const jobOf = (key: string, id = jobId) => ({ jobId: id, request: { key } });
const allKeys = (key: string, id = jobId) => {
  const job = jobOf(key, id);
  return [...Object.values(resultKeys(job)), anomaliesKey(job), csvKey(job), reportKey(job)];
};
const internalKeys = (id = jobId) => {
  const scan = { planId: 'p'.repeat(26), checkpoints: 3 };
  const part = { jobId: id, planId: scan.planId, number: 10_000 };
  const pieces = [...Object.values(pieceKeys(part, 'd'.repeat(26))), flatPieceKey(id, 12)];
  return [rowTableKey(part), checkpointKey(part, scan), ...pieces];
};

/** `*` matches any text, as in IAM. */
const matches = (pattern: string, key: string) =>
  new RegExp(
    `^${pattern
      .split('*')
      .map((text) => text.replaceAll('.', '\\.'))
      .join('.*')}$`,
    's',
  ).test(key);

describe('results', () => {
  it('are under the key of the request file and the id of its job', () => {
    const folder = `in/a b.jsonl/${jobId}`;
    const job = jobOf('in/a b.jsonl');
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
    ["in Batchdrop's own folder", '_batchdrop/jobs/x.jsonl', '_long'],
    ["that is the name of Batchdrop's own folder", '_batchdrop', '_long'],
    ['in the folder of long keys', '_long/x.jsonl', '_long'],
    ['that is the name of the folder of long keys', '_long', '_long'],
    ['that only begins like one of these folders', '_batchdrops/x.jsonl', '_batchdrops/x.jsonl'],
    ['that contains such a folder later', 'a/_batchdrop/x.jsonl', 'a/_batchdrop/x.jsonl'],
    ['with a leading slash', '/_batchdrop/x.jsonl', '/_batchdrop/x.jsonl'],
  ])('of a request key %s', (_, key, folder) => {
    expect(resultKeys(jobOf(key)).summary).toBe(`${folder}/${jobId}/summary.json`);
    for (const written of allKeys(key)) expect(Buffer.byteLength(written)).toBeLessThanOrEqual(1024);
  });

  const anId = fc.stringMatching(/^[a-z2-7]{26}$/);
  const aKey = fc.oneof(
    fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme' }),
    fc
      .tuple(
        fc.constantFrom('_batchdrop', '_batchdrop/', '_batchdrop/jobs/', '_long', '_long/', '_'),
        fc.string({ maxLength: 20 }),
      )
      .map((both) => both.join('')),
    anId.map((id) => internalFolder(id)),
    anId.map((id) => `_long/${id}`),
  );

  it("never have the same key for two jobs, or a key among Batchdrop's own objects", () => {
    fc.assert(
      fc.property(aKey, anId, aKey, anId, (key, id, otherKey, otherId) => {
        fc.pre(id !== otherId);
        const keys = [...allKeys(key, id), ...allKeys(otherKey, otherId)];
        expect(new Set(keys).size).toBe(12);
        expect(keys.filter((each) => matches(KEY_PATTERNS.internal, each))).toEqual([]);
      }),
      { numRuns: 2_000 },
    );
  });

  it("each match one of the key patterns in the functions' permissions", () => {
    const { resultLines, summary, report } = KEY_PATTERNS;
    for (const key of ['a.jsonl', 'a\nb/ü.jsonl', '_batchdrop/x', 'k'.repeat(1000)]) {
      const found = allKeys(key).map((each) =>
        [...resultLines, summary, report].filter((pattern) => matches(pattern, each)),
      );
      expect(found.flat().sort()).toEqual([...resultLines, report, summary].sort());
    }
  });
});

describe("the key of an object of Batchdrop's own", () => {
  it('is in one folder per job, under _batchdrop/', () => {
    expect(internalFolder(jobId)).toBe(`_batchdrop/jobs/${jobId}/`);
    for (const key of internalKeys()) {
      expect(key.startsWith(internalFolder(jobId))).toBe(true);
      expect(matches(KEY_PATTERNS.internal, key)).toBe(true);
    }
    expect(rowTableKey({ jobId, planId: 'plan', number: 7 })).toBe(
      `_batchdrop/jobs/${jobId}/plans/plan/00007.rows`,
    );
  });

  it('is never the same for two parts, plans, deliveries or jobs', () => {
    const refs = ['j1', 'j2'].flatMap((id) =>
      ['p1', 'p2'].flatMap((planId) => [1, 2, 11].map((number) => ({ jobId: id, planId, number }))),
    );
    const tables = refs.map(rowTableKey);
    const scans = refs.map((ref) => checkpointKey(ref, { planId: ref.planId, checkpoints: ref.number }));
    const parts = refs.filter(({ planId }) => planId === 'p1');
    const pieces = parts.flatMap((ref) => ['d1', 'd2'].flatMap((id) => Object.values(pieceKeys(ref, id))));
    const ofTables = ['j1', 'j2'].flatMap((id) => [0, 1, 11].map((piece) => flatPieceKey(id, piece)));
    const all = [...tables, ...scans, ...pieces, ...ofTables];
    expect(all.length).toBe(12 + 12 + 48 + 6);
    expect(new Set(all).size).toBe(all.length);
  });
});
