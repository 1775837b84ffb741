import { describe, expect, it } from 'vitest';
import { findJob, findJobId } from '../../../bin/jobs/find-job.ts';
import { aJob, aPart, NOON } from '../../contracts/samples.ts';
import { createInMemoryLedger } from '../../fakes/in-memory-ledger.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';

const idFrom = (start: string) => start.padEnd(26, '2');

/** Returns a ledger with these jobs, as a command sees it. */
async function aConnection(...jobIds: string[]) {
  const ledger = createInMemoryLedger({ clock: new ManualClock(NOON) });
  for (const jobId of jobIds) await ledger.createJob(aJob({ jobId }));
  return { ledger, queries: ledger.queries };
}

describe('a job is found', () => {
  it('by its whole id, even if another id is looked up at the same time', async () => {
    const connection = await aConnection(idFrom('abcd'), idFrom('abce'));
    expect(await findJob(connection, idFrom('abcd'))).toMatchObject({ jobId: idFrom('abcd') });
  });

  it.each(['abcd', 'abcdx', 'abcdxy22222222222'])(
    'by the prefix %s, which no other id has',
    async (prefix) => {
      const connection = await aConnection(idFrom('abcdxy'), idFrom('abcexy'));
      expect(await findJob(connection, prefix)).toMatchObject({ jobId: idFrom('abcdxy') });
    },
  );

  it('by the id of one of its batches', async () => {
    const connection = await aConnection(aPart().jobId);
    await connection.ledger.putBatchPointer('batch_1', aPart(), NOON + 1);
    expect(await findJob(connection, 'batch_1')).toMatchObject({ jobId: aPart().jobId });
  });

  it('by a whole id without a read, for a cancel request that arrives before its file', async () => {
    expect(await findJobId(await aConnection(), idFrom('abcd'))).toBe(idFrom('abcd'));
  });
});

describe('what is not found is explained', () => {
  it('a prefix of several ids: each candidate with its status, time and file', async () => {
    const connection = await aConnection(idFrom('abcdz'), idFrom('abcda'), idFrom('abce'));
    await expect(findJob(connection, 'abcd')).rejects.toMatchObject({
      message: 'Several job ids begin with abcd. Give more characters of one of them:',
      lines: [
        `  ${idFrom('abcda')}  received    2026-11-01 12:00  evening/requests ü.jsonl`,
        `  ${idFrom('abcdz')}  received    2026-11-01 12:00  evening/requests ü.jsonl`,
      ],
    });
  });

  it('a prefix of more than ten ids: ten of them', async () => {
    const connection = await aConnection(...[...'abcdefghijk'].map((letter) => idFrom(`same${letter}`)));
    await expect(findJobId(connection, 'same')).rejects.toMatchObject({
      lines: expect.objectContaining({ length: 11, 10: '  and others' }),
    });
  });

  it.each([
    ['a prefix of no id', 'abcd', 'There is no job whose id begins with abcd.'],
    ['a whole id', idFrom('abcd'), `There is no job ${idFrom('abcd')}.`],
    ['a batch id', 'batch_9', 'There is no batch batch_9 in this Batchdrop.'],
    ['too short a prefix', 'abc', "'abc' is not an id. Give a job id or its first characters, at least 4"],
    ['something else', 'no such id', "'no such id' is not an id."],
  ])('%s', async (_, id, sentence) => {
    await expect(findJob(await aConnection(), id)).rejects.toThrow(sentence);
  });
});
