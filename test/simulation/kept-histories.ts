import type { LeftOut } from './fault-book.ts';
import type { Mutant } from './mutants.ts';

/** A history that broke a promise once, shrunk if it could be. */
export interface KeptHistory {
  /** What was wrong. */
  wrong: string;
  seed: number;
  leftOut: LeftOut;
  /** Takes the mend out of the source: then the promise is broken again. */
  without: Mutant['patches'];
}

const CORE = 'functions/shared/core';

export const KEPT: KeptHistory[] = [
  {
    wrong: 'a job was given up for the token limit, as its batch had been put back before it was found',
    seed: 31,
    leftOut: {},
    without: [
      {
        file: `${CORE}/save-batch.ts`,
        anchor:
          '      ...afterPutBack(part, batch, deps.clock.now()), // one that is found later may have ended by then\n',
        replacement: '',
      },
    ],
  },
  {
    wrong:
      'what a delivery that thawed and failed had written after its job was cleaned stayed in the results bucket',
    seed: 9115,
    leftOut: {
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
    without: [
      {
        file: `${CORE}/clean-job.ts`,
        anchor: 'parts.some(({ deliveryIds = [], ran }) => deliveryIds.length > ran.length + 1);',
        replacement: 'false;',
      },
      {
        file: `${CORE}/late-delivery.ts`,
        anchor: '    await cleanAgain(deps, part.jobId);\n',
        replacement: '',
      },
    ],
  },
  {
    wrong: 'a file that was uploaded for nothing, as the key was replaced, stayed at the API',
    seed: 1530,
    leftOut: {
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
    without: [
      {
        file: `${CORE}/submit-part.ts`,
        anchor: 'leftFiles: [...(part.leftFiles ?? []), ...left]',
        replacement: 'leftFiles: part.leftFiles ?? []',
      },
    ],
  },
  {
    wrong: 'of two cancels of one key the older was forgotten, and the file it meant ran',
    seed: 1617,
    leftOut: {
      deeds: [6, 4, 3, 2, 0],
      allFaultsBut: [
        'cancel outruns its file @ deed 5',
        'message late @ deed 5 1',
        'object overwritten @ deed 1',
        'cancel outruns its file @ deed 1 again',
      ],
    },
    without: [
      {
        file: `${CORE}/request-cancel.ts`,
        anchor: 'withCancel(pointer.cancels, sentAt);',
        replacement:
          'withCancel((pointer.cancels ?? []).filter((known) => known > sentAt), sentAt)?.slice(-1);',
      },
    ],
  },
  {
    wrong: "a cancel by key did not reach the version it meant, whose event came after a newer version's",
    seed: 1,
    leftOut: {
      deeds: [4, 2, 1, 0],
      allFaultsBut: ['cancel outruns its file @ deed 5'],
    },
    without: [
      {
        file: `${CORE}/intake-job.ts`,
        anchor: 'if (!isNewest && placed !== newest.jobId) {',
        replacement: 'if (!isNewest && placed === newest.jobId) {',
      },
    ],
  },
  {
    wrong:
      'a delivery that thawed wrote over the pieces of the one that counted, which had found other files',
    seed: 808,
    leftOut: {},
    without: [
      {
        file: `${CORE}/deliver-part.ts`,
        anchor: 'const deliveryId = deps.ids.next();',
        replacement: "const deliveryId = 'every';",
      },
    ],
  },
  {
    wrong: 'pieces written by a delivery that thawed after the job was cleaned stayed in the results bucket',
    seed: 125,
    leftOut: {
      deeds: [6, 3, 2, 0, 5],
      allFaultsBut: [
        'dies after its effect @ poll#5/10',
        'dies before its effect @ poll#6/14',
        'frozen before its answer @ deliver(m6308.1#1)/7',
      ],
    },
    without: [
      {
        file: `${CORE}/deliver-part.ts`,
        anchor: '      await cleanBehind(deps, held.part, deliveryId, failure);\n',
        replacement: '',
      },
      {
        file: `${CORE}/clean-job.ts`,
        anchor: 'parts.some(({ deliveryIds = [], ran }) => deliveryIds.length > ran.length + 1);',
        replacement: 'false;',
      },
    ],
  },
  {
    wrong: "under another account's key result files seemed gone, and rows that ran were told as missing",
    seed: 1259,
    leftOut: {
      deeds: [2, 1, 0],
      allFaultsBut: [
        'key of another account @ the operator',
        'slow before its effect @ poll#4/13',
        'fails before its effect @ poll#7/6',
      ],
    },
    without: [
      {
        file: `${CORE}/deliver-part.ts`,
        anchor: '    await assureGone(deps, fileId, part.intent?.account);\n',
        replacement: '',
      },
    ],
  },
  {
    wrong: "under another account's key files seemed deleted, and stayed at the API",
    seed: 1492,
    leftOut: {
      deeds: [5, 4, 2, 1, 0],
      allFaultsBut: [
        'key of another account @ the operator',
        'object overwritten @ deed 3',
        'slow down (429) @ submit(m9401.1#1)/6',
      ],
    },
    without: [
      {
        file: `${CORE}/account.ts`,
        anchor: "return was === 'deleted' || owner === undefined || owner === account;",
        replacement: "return was === 'deleted' || owner === undefined || account !== undefined;",
      },
    ],
  },
  {
    wrong: 'a late answer with a status nobody knows took a batch back, and it was validating twice',
    seed: 4181,
    leftOut: {
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
    without: [
      {
        file: `${CORE}/observe-part.ts`,
        anchor: 'if (rank === undefined) return reached <= RUNNING;',
        replacement: 'if (rank === undefined) return true;',
      },
      {
        file: `${CORE}/observe-part.ts`,
        anchor: "const reached = RANK.get(known) ?? RANK.get(part.previousStatus ?? '') ?? 0;",
        replacement: 'const reached = RANK.get(known) ?? 0;',
      },
    ],
  },
  {
    wrong: 'a scan that stood still while its job was cancelled and cleaned wrote its checkpoint and died',
    seed: 283,
    leftOut: {},
    without: [
      {
        file: `${CORE}/clean-job.ts`,
        anchor: 'scan.turns > 1 || lease !== undefined',
        replacement: 'scan.turns > 1',
      },
    ],
  },
  {
    wrong:
      'the row states of a delivery that stood still stayed in the results bucket: it was not on the record yet',
    seed: 22982,
    leftOut: {
      deeds: [],
      allFaultsBut: [
        'message twice @ deed 0',
        'frozen before its effect @ submit(m2815.1#1)/11',
        'dies before its effect @ intake(m8295.1#1)/3',
        'fails before its effect @ poll#11/19',
        'frozen before its answer @ intake(m5600.1#1)/4',
        'fails before its effect @ intake(m1058.1#1)/7',
        'dies after its effect @ poll#13/18',
        'fails before its effect @ submit(m5703.1#1)/1',
        'messages out of order @ deed 1 1',
        'fails after its effect @ submit(m6243.1#1)/0',
        'message twice @ poll#18/29 intake',
        'cancel leaves partial results @ batch 3',
        'slow to answer @ submit(m1684.1#1)/6',
        'dies before its effect @ poll#19/30',
        'frozen before its answer @ poll#20/2',
        'slow to answer @ poll#21/5',
        'create accepted late @ create submit(m1684.1#1)/14',
        'entry refused by the bus @ poll#22/21',
        'slow to answer @ poll#23/16',
        'slow to answer @ poll#27/9',
        'dies after its effect @ poll#28/2',
        'frozen before its answer @ deliver(m1376.1#1)/5',
        'fails after its effect @ deliver(m1376.1#1)/8',
      ],
    },
    without: [
      {
        file: `${CORE}/deliver-part.ts`,
        anchor: "    await deps.results.put(keys.states, states.bytes(), 'application/octet-stream');\n",
        replacement: '',
      },
      {
        file: `${CORE}/deliver-part.ts`,
        anchor: '    // Before anything becomes visible,',
        replacement:
          "    await deps.results.put(keys.states, states.bytes(), 'application/octet-stream');\n    // Before anything becomes visible,",
      },
    ],
  },
];
