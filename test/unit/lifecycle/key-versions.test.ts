import { describe, expect, it } from 'vitest';
import { isCancelledByKey, isOlder, withCancel } from '../../../functions/shared/lifecycle/key-versions.ts';
import { aJob, NOON } from '../../contracts/samples.ts';
import { SmallWorld } from '../small-world.ts';

describe('the cancel times of a key', () => {
  it('are kept in order, whatever the order in which the cancels arrive', () => {
    expect(withCancel(undefined, NOON)).toEqual([NOON]);
    expect(withCancel([NOON], NOON + 2_000)).toEqual([NOON, NOON + 2_000]);
    expect(withCancel([NOON], NOON - 2_000)).toEqual([NOON - 2_000, NOON]);
  });

  it('are the latest of each second', () => {
    expect(withCancel([NOON, NOON + 1_500], NOON + 1)).toEqual([NOON + 1, NOON + 1_500]);
    expect(withCancel([NOON + 1], NOON + 1)).toBeUndefined();
    expect(withCancel([NOON + 1], NOON)).toBeUndefined();
    expect(withCancel([NOON + 999], NOON + 1_000)).toEqual([NOON + 999, NOON + 1_000]);
  });

  it('are at most the 100 newest', () => {
    const seconds = Array.from({ length: 100 }, (_, second) => NOON + 1_000 * second);
    const next = NOON + 100_000;
    expect(withCancel(seconds, next)).toEqual([...seconds.slice(1), next]);
  });
});

it.each([
  ['0055AED6DCD90281E5', '0055AED6DCD90281E6', true],
  ['0055AED6DCD90281E5', '0055aed6dcd90281e5', false],
  ['0055', '00550000', false], // padded on the right
  ['0055', '00550001', true],
  ['0056', '00550001', false],
  [undefined, '0055', false],
  ['0055', undefined, false],
])('a version with the sequencer %s is older than one with %s: %s', (one, other, expected) => {
  expect(isOlder(one, other)).toBe(expected);
});

describe('a version of a key', () => {
  const SECOND = 1_000;
  const uploaded = (jobId: string, seconds: number, previousJobId?: string) =>
    aJob({
      jobId,
      request: { ...aJob().request, lastModified: NOON + seconds * SECOND },
      ...(previousJobId === undefined ? {} : { previousJobId }),
    });

  it.each([
    ['before its upload', [-1], false],
    ['in the second of its upload', [0], true],
    ['before the next version', [59], true],
    ['when the next version was uploaded', [60], false],
    ['after the next version', [130], false],
    ['before its upload and after the next version', [-1, 130], false],
    ['several times', [-1, 30, 130], true],
  ])('is meant by a cancel that was sent %s: %s', async (_, seconds, expected) => {
    const world = new SmallWorld();
    await world.ledger.createJob(uploaded('first', 0));
    await world.ledger.createJob(uploaded('second', 60, 'first'));
    await world.ledger.createJob(uploaded('third', 120, 'second'));
    const cancels = seconds.map((second) => NOON + second * SECOND);
    expect(await isCancelledByKey(world.ports, uploaded('first', 0), cancels, 'third')).toBe(expected);
  });

  it('is meant by each later cancel while there is no newer one', async () => {
    const { ports } = new SmallWorld();
    for (const newest of [undefined, 'first'])
      expect(await isCancelledByKey(ports, uploaded('first', 0), [NOON + 9 * SECOND], newest)).toBe(true);
  });
});
