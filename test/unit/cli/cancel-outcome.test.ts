import { describe, expect, it } from 'vitest';
import type { Connection } from '../../../bin/connection/connection.ts';
import { planCancel } from '../../../bin/jobs/cancel-outcome.ts';
import { NotAllowed, RetryableError } from '../../../functions/shared/domain/errors.ts';
import { fileOf, REQUESTS, SmallWorld } from '../small-world.ts';

/** The world as `cancel` sees it. `newest`: the newest version of each key in S3. */
function connectionTo(world: SmallWorld, newest = '', ledger = world.ledger): Connection {
  const s3 = { send: async () => ({ VersionId: newest }) };
  const part: Pick<Connection, 'ledger' | 'queries' | 'pollIntervalMs'> = {
    ...{ ledger, queries: world.ledger.queries, pollIntervalMs: 1 },
  };
  return Object.assign(Object.create(null), part, { s3, names: { requestBucket: REQUESTS } });
}

const byId = (id: string) => ({ id, key: undefined });
const byKey = (key: string) => ({ id: undefined, key });

describe('before a cancel is sent', () => {
  it('its job is looked up by a short id, and by the id of a batch', async () => {
    const world = new SmallWorld();
    const jobId = await world.drop('a.jsonl', fileOf('r1'));
    await world.work();
    const batchId = world.parts(jobId)[0]?.batch?.batchId ?? '';
    const connection = connectionTo(world);
    expect(await planCancel(connection, byId(jobId.slice(0, 8)))).toMatchObject({
      request: { jobId },
      job: { jobId },
    });
    expect(await planCancel(connection, byId(batchId))).toMatchObject({
      request: { batchId },
      job: { jobId },
    });
  });

  it('the job that it joined is meant, if it joined one', async () => {
    const world = new SmallWorld();
    const first = await world.drop('a.jsonl', fileOf('r1'));
    const second = await world.drop('a.jsonl', fileOf('r1'));
    expect(await planCancel(connectionTo(world), byId(second))).toMatchObject({ request: { jobId: first } });
  });

  it('a job that has ended is refused, and so is an unknown one', async () => {
    const world = new SmallWorld();
    const jobId = await world.drop('a.jsonl', fileOf('r1'));
    await world.rest();
    const connection = connectionTo(world, world.job(jobId).request.versionId);
    for (const which of [byId(jobId), byKey('a.jsonl')])
      await expect(planCancel(connection, which)).rejects.toThrow(
        `Job ${jobId} of a.jsonl is already completed. Nothing was cancelled.`,
      );
    await expect(planCancel(connection, byId('a2'.repeat(13)))).rejects.toThrow(/There is no job/);
  });

  it('a key is sent if its file has no job yet, or if a newer version has none', async () => {
    const world = new SmallWorld();
    await world.drop('a.jsonl', fileOf('r1'));
    await world.rest();
    const connection = connectionTo(world, 'a-newer-version');
    for (const key of ['a.jsonl', 'b.jsonl'])
      expect(await planCancel(connection, byKey(key))).toEqual({ request: { bucket: REQUESTS, key } });
  });

  it('without the right to read the ledger, it is sent unseen; a short id cannot be', async () => {
    const world = new SmallWorld();
    const denied = () =>
      Promise.reject(
        new NotAllowed('read job', {
          cause: Object.assign(new Error('no'), { name: 'AccessDeniedException' }),
        }),
      );
    const connection = connectionTo(world, '', { ...world.ledger, readJob: denied, readKeyPointer: denied });
    const jobId = 'a2'.repeat(13);
    expect(await planCancel(connection, byId(jobId))).toEqual({ request: { jobId }, isBlind: true });
    expect(await planCancel(connection, byKey('a.jsonl'))).toMatchObject({ isBlind: true });
    const unlisted = { ...connection, queries: { ...connection.queries, jobIdsWith: denied } };
    await expect(planCancel(unlisted, byId('a2a2'))).rejects.toThrow(
      'You have no right to read the ledger, so the short id a2a2 cannot be looked up. Give the whole job id.',
    );
    const broken = {
      ...world.ledger,
      readJob: () => Promise.reject(new RetryableError('read job: no response')),
    };
    await expect(planCancel(connectionTo(world, '', broken), byId(jobId))).rejects.toThrow('no response');
  });
});
