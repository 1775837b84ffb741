import { describe, expect, it } from 'vitest';
import { assembleFile } from '../../../functions/deliver/job/assemble-file.ts';
import type { Segment } from '../../../functions/deliver/job/multipart-plan.ts';
import { RetryableError } from '../../../functions/shared/domain/errors.ts';
import { jobInHand, takeJob } from '../../../functions/shared/lifecycle/compare-and-set.ts';
import { withoutLease } from '../../../functions/shared/lifecycle/lease.ts';
import type { ResultStore } from '../../../functions/shared/ports/ports.ts';
import { aJob, type JobFields } from '../../contracts/samples.ts';
import { SmallWorld } from '../small-world.ts';

const MEBIBYTES = 5 * 1024 * 1024; // S3's minimum for a piece
const SIZES = [MEBIBYTES, MEBIBYTES, 7];

/** A world with three pieces, and a job with these fields. */
async function worldOf(fields: JobFields) {
  const world = new SmallWorld();
  for (const [at, size] of SIZES.entries())
    await world.results.put(`piece-${at}`, Buffer.alloc(size, at), 't');
  await world.ledger.createJob(aJob(fields));
  const uploaded: number[] = [];
  const assemble = async (replaced: Partial<ResultStore> = {}) => {
    const uploadCopy: ResultStore['uploadCopy'] = (key, uploadId, number, source) => {
      uploaded.push(number);
      return (replaced.uploadCopy ?? world.results.uploadCopy)(key, uploadId, number, source);
    };
    const deps = { ...world.ports, results: { ...world.results, ...replaced, uploadCopy } };
    const inHand = await takeJob(world.ports, aJob().jobId);
    const leased = withoutLease(inHand ?? jobInHand(world.ports, aJob(fields)), Number.MAX_SAFE_INTEGER);
    const file = { name: 'output', key: 'output.jsonl', contentType: 't', segments } as const;
    await assembleFile(deps, leased, file);
  };
  const assembly = () => {
    const job = world.job(aJob().jobId);
    return 'assembly' in job ? job.assembly : undefined;
  };
  return { world, assemble, uploaded, assembly };
}

async function* segments(): AsyncGenerator<Segment> {
  for (const [at, size] of SIZES.entries()) yield { copy: { key: `piece-${at}`, start: 0, end: size } };
}

/** Returns a storage whose copy of this piece fails once. */
function failingAt(world: SmallWorld, number: number): Partial<ResultStore> {
  return {
    uploadCopy: (key, uploadId, nth, source) =>
      nth === number
        ? Promise.reject(new RetryableError('503'))
        : world.results.uploadCopy(key, uploadId, nth, source),
  };
}

describe('the assembly of a large file', () => {
  it.each(['accepted', 'submitted'] as const)(
    'of a job that is %s goes on where it failed',
    async (status) => {
      const { world, assemble, uploaded, assembly } = await worldOf({ status });
      await expect(assemble(failingAt(world, 3))).rejects.toThrow('503');
      expect(assembly()).toMatchObject({ output: { etags: [expect.any(String), expect.any(String)] } });
      await assemble();
      expect(uploaded).toEqual([1, 2, 3, 3]);
      expect(await world.results.size('output.jsonl')).toBe(2 * MEBIBYTES + 7);
      expect(world.results.openUploads()).toEqual([]);
    },
  );

  it('leaves no trace on a job that has ended meanwhile', async () => {
    const { world, assemble } = await worldOf({ status: 'completed' });
    const before = world.job(aJob().jobId);
    await expect(assemble(failingAt(world, 2))).rejects.toThrow('503');
    expect(world.job(aJob().jobId)).toEqual(before);
  });

  it('begins again if its upload is gone', async () => {
    const { world, assemble, uploaded, assembly } = await worldOf({ status: 'submitted' });
    await expect(assemble(failingAt(world, 3))).rejects.toThrow('503');
    for (const { key, uploadId } of world.results.openUploads())
      await world.results.abortUpload(key, uploadId);
    await expect(assemble()).rejects.toMatchObject({ afterSeconds: 1 });
    expect(assembly()).toEqual({});
    await assemble();
    expect(uploaded).toEqual([1, 2, 3, 3, 1, 2, 3]);
    expect(await world.results.size('output.jsonl')).toBe(2 * MEBIBYTES + 7);
  });
});
