import { describe, expect, it } from 'vitest';
import { TerminalError } from '../../../functions/shared/domain/errors.ts';
import type { ObservedBatch } from '../../../functions/shared/domain/part.ts';
import { without } from '../../../functions/shared/domain/without.ts';
import { partInHand } from '../../../functions/shared/lifecycle/compare-and-set.ts';
import { withPartLease } from '../../../functions/shared/lifecycle/lease.ts';
import { adoptFoundBatch } from '../../../functions/submit/adopt-found-batch.ts';
import { aBatch, aPart, NOON, type PartFields } from '../../contracts/samples.ts';
import { SmallWorld, withMethods } from '../small-world.ts';

const ABANDONED = [1, 2].map((nth) => ({
  intentId: `i${nth}`,
  at: NOON + nth,
  fileId: `file-${nth}`,
  account: 'org',
}));
const STALLED: PartFields = {
  ...{ phase: 'stalled', stalled: { code: 'create_uncertain', message: 'm' } },
  ...{ adopt: { batchId: 'batch_1' }, abandoned: ABANDONED },
};
const FOUND = without(aBatch({ counts: { total: 3, completed: 0, failed: 0 } }), 'inputFileId');

interface Found {
  batch?: Partial<ObservedBatch> | Error;
  part?: PartFields;
  /** Which part the ledger's pointer from the batch names. */
  owner?: { jobId?: string; number?: number };
}

/** Returns the part after it tried to adopt the batch that a person found. */
async function adopting({ batch = {}, part: fields = {}, owner }: Found = {}) {
  const world = new SmallWorld();
  const part = aPart({ ...STALLED, ...fields });
  const { jobId, planId, number } = part;
  await world.ledger.createPart(part);
  if (owner) await world.ledger.putBatchPointer('batch_1', { jobId, planId, number, ...owner });
  const api = withMethods(world.api, {
    async retrieveBatch() {
      if (batch instanceof Error) throw batch;
      return { ...FOUND, ...batch };
    },
  });
  const deps = { ...world.ports, api };
  const inHand = partInHand(deps, part);
  await withPartLease(deps, inHand, Number.MAX_SAFE_INTEGER, (leased) =>
    adoptFoundBatch(deps, inHand, leased),
  );
  const after = (await world.ledger.readPart(part)) ?? part;
  return { world, after, pointer: await world.ledger.readBatchPointer('batch_1') };
}

describe('a batch that a person found for a stalled part', () => {
  it.each<[string, Found]>([
    ['has nothing that speaks against it', {}],
    ['reports no rows yet', { batch: { counts: { total: 0, completed: 0, failed: 0 } } }],
    ['has no counts', { batch: { counts: undefined } as object }],
    ['has its endpoint without the version', { batch: { endpoint: '/chat/completions' } }],
    ['names the part', { batch: { metadata: { batchdrop_job: aPart().jobId, batchdrop_part: '1' } } }],
    ['is known as a batch of the part', { owner: {} }],
    [
      'names its input file, without an abandoned create',
      { part: { abandoned: [] }, batch: { inputFileId: 'file-9' } },
    ],
  ])('is adopted if it %s', async (_, found) => {
    const { world, after, pointer } = await adopting(found);
    expect(after).toMatchObject({ phase: 'running', batch: { batchId: 'batch_1' } });
    expect(after).not.toHaveProperty('stalled');
    expect(after).not.toHaveProperty('lease');
    expect(pointer).toMatchObject({ jobId: after.jobId, number: 1 });
    expect(world.log.lines.map(({ code }) => code)).toEqual(['batch_adopted']);
  });

  it.each<[string, Found, string]>([
    ['is of another endpoint', { batch: { endpoint: '/v1/embeddings' } }, 'its endpoint is /v1/embeddings'],
    [
      'has more rows',
      { batch: { counts: { total: 4, completed: 0, failed: 0 } } },
      'it has 4 rows, the part has 3',
    ],
    [
      'names another job',
      { batch: { metadata: { batchdrop_job: 'j' } } },
      'its metadata names part 1 of job j',
    ],
    ['names another part', { batch: { metadata: { batchdrop_part: '2' } } }, 'its metadata names part 2'],
    [
      'is an earlier one of the part',
      { part: { earlierBatchIds: ['batch_1'] } },
      'it is an earlier batch of the part',
    ],
    ['belongs to another job', { owner: { jobId: 'other' } }, 'it belongs to another part'],
    ['belongs to another part of the job', { owner: { number: 2 } }, 'it belongs to another part'],
    [
      'names no input file, and no create was abandoned',
      { part: { abandoned: [] } },
      'the API reports no input file for it',
    ],
    ['is not known', { batch: new TerminalError('not_found', 'HTTP 404') }, 'the API does not know it'],
    ['cannot be retrieved', { batch: new TerminalError('forbidden', 'No.') }, 'No.'],
  ])('is not adopted if it %s', async (_, found, problem) => {
    const { world, after } = await adopting(found);
    expect(after).toMatchObject({ phase: 'stalled', stalled: { code: 'create_uncertain' } });
    expect(after.stalled?.message).toContain(`batch_1 was not adopted: ${problem}`);
    expect(after).not.toHaveProperty('adopt');
    expect(world.log.lines).toMatchObject([{ code: 'batch_not_adopted' }]);
  });

  it.each<[string, Partial<ObservedBatch>, string, string]>([
    ['its metadata', { metadata: { batchdrop_intent: 'i1' }, inputFileId: 'file-2' }, 'i1', 'file-2'],
    ['its file', { inputFileId: 'file-1' }, 'i1', 'file-1'],
    ['nothing, so the last one', {}, 'i2', 'file-2'],
  ])('resolves the create that %s names', async (_, batch, intentId, fileId) => {
    const { after } = await adopting({ batch });
    expect(after.intent).toMatchObject({ id: intentId, fileId, account: 'org' });
    expect(after.abandoned).toEqual(ABANDONED.filter((one) => one.intentId !== intentId));
  });

  it('is retrieved again later if the API does not respond', async () => {
    await expect(adopting({ batch: new Error('no connection') })).rejects.toThrow('no connection');
  });
});
