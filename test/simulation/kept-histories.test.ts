import { expect, test } from 'vitest';
import type { LeftOut } from './fault-book.ts';
import { playHistory } from './history.ts';

/** Histories that broke a promise once, shrunk if they could be, by what was wrong. Each failed on the source as it was. */
const KEPT: [wrong: string, seed: number, leftOut: LeftOut][] = [
  [
    'what a delivery that thawed and failed had written after its job was cleaned stayed in the results bucket',
    9115,
    {
      deeds: [5, 1],
      allFaultsBut: [
        'frozen before its effect @ intake(m7433.1#1)/1',
        'validation fails @ batch 2',
        'fails before its effect @ deliver(m2642.1#1)/0',
        'fails before its effect @ intake(m7433.1#1)/8',
        'frozen before its effect @ intake(m4792.1#1)/11',
        'fails before its effect @ poll#12/23',
        'dies before its effect @ intake(m8016.1#1)/11',
        'frozen before its effect @ deliver(m7766.1#1)/10',
        'fails before its effect @ deliver(m7766.1#1)/12',
      ],
    },
  ],
  [
    'a file that was uploaded for nothing, as the key was replaced, stayed at the API',
    1530,
    {
      deeds: [6, 5, 4, 3, 2, 1],
      allFaultsBut: [
        'key of another account @ the operator',
        'dies before its effect @ intake(m6009.1#1)/13',
        'fails after its effect @ poll#13/20',
        'dies after its effect @ poll#18/15',
        'clock skewed @ poll#19',
        'tick doubled @ tick 20',
        'dies before its effect @ poll#20/1',
        'dies after its effect @ poll#20b/8',
        'fails before its effect @ poll#22/18',
        'ledger throttled @ poll#24/13',
        'token limit @ batch 1',
        'token limit @ batch 3',
      ],
    },
  ],
  [
    'of two cancels of one key the older was forgotten, and the file it meant ran',
    1617,
    {
      deeds: [6, 4, 3, 2, 0],
      allFaultsBut: [
        'cancel outruns its file @ deed 5',
        'message late @ deed 5 1',
        'object overwritten @ deed 1',
        'cancel outruns its file @ deed 1 again',
      ],
    },
  ],
  [
    'a file that was given up unread did not look for the cancel that meant it',
    1564,
    {
      deeds: [3],
      allFaultsBut: [
        'key refused until rotated @ the operator',
        'cancel outruns its file @ deed 0',
        'object deleted @ deed 0',
        'object overwritten @ deed 0',
        'fails after its effect @ intake(m5582.1#1)/2',
        'dies after its effect @ poll#6/19',
        'cancel outruns its file @ deed 1',
      ],
    },
  ],
  [
    "a cancel by key did not reach the version it meant, whose event came after a newer version's",
    1,
    {
      deeds: [4, 2, 1, 0],
      allFaultsBut: ['cancel outruns its file @ deed 5'],
    },
  ],
  [
    'a delivery that thawed wrote over the pieces of the one that counted, which had found other files',
    808,
    {},
  ],
  [
    'pieces written by a delivery that thawed after the job was cleaned stayed in the results bucket',
    125,
    {
      deeds: [6, 3, 2, 0, 5],
      allFaultsBut: [
        'dies after its effect @ poll#5/10',
        'dies before its effect @ poll#6/14',
        'frozen before its answer @ deliver(m6308.1#1)/7',
      ],
    },
  ],
  [
    "under another account's key result files seemed gone, and rows that ran were told as missing",
    1259,
    {
      deeds: [2, 1, 0],
      allFaultsBut: [
        'key of another account @ the operator',
        'slow before its effect @ poll#4/13',
        'fails before its effect @ poll#7/6',
      ],
    },
  ],
  [
    "under another account's key files seemed deleted, and stayed at the API",
    1492,
    {
      deeds: [5, 4, 2, 1, 0],
      allFaultsBut: [
        'key of another account @ the operator',
        'object overwritten @ deed 3',
        'slow down (429) @ submit(m9401.1#1)/6',
      ],
    },
  ],
  [
    'a wish to cancel was lost when it came while the results were put together',
    2891,
    {
      deeds: [5, 1, 0],
      allFaultsBut: [
        'slow before its effect @ intake(m6880.1#1)/19',
        'fails after its effect @ intake(m6880.1#1)/23',
        'messages out of order @ intake(m6880.1#1)/24 submit 1',
      ],
    },
  ],
  [
    'a late answer with a status nobody knows took a batch back, and it was validating twice',
    4181,
    {
      deeds: [1],
      allFaultsBut: [
        'key of another account @ the operator',
        'dies before its effect @ intake(m1130.1#1)/23',
        'frozen before its effect @ submit(m7792.1#1)/3',
        'unknown status @ batch 1',
        'frozen before its effect @ poll#1/5',
        'tick skipped @ tick 5',
      ],
    },
  ],
];

test.each(KEPT)('%s (seed %i)', async (_, seed, leftOut) => {
  const { broken, world } = await playHistory(seed, leftOut, {}); // no limits: they were none when it was found
  expect(broken).toEqual([]);
  expect(world.faults.struck.length).toBeGreaterThan(0); // it is still a history in which something goes wrong
});
