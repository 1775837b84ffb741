import { describe, expect, it } from 'vitest';
import { Ambiguous } from '../../../functions/shared/domain/errors.ts';
import { CLEAN_UP_MS } from '../../../functions/shared/domain/timing.ts';
import { fileOf, HOUR, MINUTE, SmallWorld, withMethods } from '../small-world.ts';

/** Returns a world whose key can change to another account. */
function twoAccounts(settings: ConstructorParameters<typeof SmallWorld>[0] = {}) {
  const key = { account: 'ours' };
  return { key, world: new SmallWorld({ ...settings, account: () => key.account }) };
}

describe('files of an account whose key was replaced', () => {
  it('that no batch used are deleted when the key is restored', async () => {
    const { key, world } = twoAccounts({
      replaced: ({ api }) => ({
        api: withMethods(api, {
          async createBatch(request, signal) {
            key.account = 'other';
            return api.createBatch(request, signal);
          },
        }),
      }),
    });
    const jobId = await world.drop('a.jsonl', fileOf('r1'));
    await world.work();
    await world.pass(3 * 60);
    expect(world.jobStatuses(jobId).at(-1)).toBe('completed');
    expect(world.api.audit().uploads).toHaveLength(2);
    const [stranded] = world.api.audit().uploads;
    expect(world.api.files()).toEqual([stranded?.fileId]);
    expect(world.parts(jobId)[0]?.deletedFiles).toHaveLength(2); // input and output in the other account
    key.account = 'ours';
    await world.rest();
    expect(world.api.files()).toEqual([]);
    expect(world.job(jobId).cleanedUp).toBe(true);
  });

  it('are abandoned after a week, with an error in the log', async () => {
    const { key, world } = twoAccounts({
      refuses: ({ detail }) => {
        if ('results' in detail.data) key.account = 'other'; // just when the completed event is published
        return false;
      },
    });
    const jobId = await world.drop('a.jsonl', fileOf('r1'));
    await world.rest((CLEAN_UP_MS + 2 * HOUR) / MINUTE);
    expect(key.account).toBe('other');
    expect(world.job(jobId)).toMatchObject({ status: 'completed', cleanedUp: true });
    expect(world.log.lines.filter(({ code }) => code === 'clean_up_abandoned')).toHaveLength(1);
    expect(world.api.files()).toHaveLength(2);
    expect(world.clock.now() - world.job(jobId).changedAt).toBeGreaterThanOrEqual(CLEAN_UP_MS);
  });
});

it('a file does not count as deleted if only the key of another account does not find it, and no second batch is created', async () => {
  let creates = 0;
  const { key, world } = twoAccounts({
    replaced: ({ api }) => ({
      api: withMethods(api, {
        async createBatch() {
          creates += 1;
          throw new Ambiguous('time-out');
        },
        async deleteFile(fileId) {
          key.account = 'other'; // replaced between the search and this call, and restored at once
          const deletion = await api.deleteFile(fileId);
          key.account = 'ours';
          return deletion;
        },
      }),
    }),
  });
  const jobId = await world.drop('a.jsonl', fileOf('r1'));
  await world.work();
  await world.pass(120);
  expect(creates).toBe(1);
  expect(world.parts(jobId)[0]?.abandoned).toEqual([]);
  expect(world.api.files()).toEqual([world.parts(jobId)[0]?.intent?.fileId]);
});
