import type { LeftOut } from '../faults/fault-book.ts';
import type { Mutant } from '../mutants/mutants.ts';

/**
 * A history that breaks a promise without a fix, shrunk where that was possible. It is not always the one that found the
 * defect: calls have moved since, and where that history no longer broke without the fix, another one replaced it.
 */
export interface KeptHistory {
  /** What was wrong. */
  wrong: string;
  seed: number;
  leftOut: LeftOut;
  /** Takes the fix out of the source: then the promise is broken again … */
  without: Mutant['patches'];
  /** … and the violation contains this text. */
  shows: string;
}

export const KEPT: KeptHistory[] = [
  {
    wrong: 'a job was given up for the token limit: the API had rejected its batch before Batchdrop found it',
    seed: 249,
    leftOut: {
      actions: [2],
      allFaultsBut: [
        'frozen before its effect @ intake(m6090.1#1)/14',
        'create accepted, answer lost @ create submit(m5325.1#1)/14',
        'token limit @ batch 1',
        'list malformed @ list 2',
      ],
    },
    without: [
      {
        file: 'functions/shared/lifecycle/save-batch.ts',
        anchor:
          '      ...afterTokenLimitRejection(part, batch, deps.clock.now()), // one that is found later may have ended by then\n',
        replacement: '',
      },
    ],
    shows: 'was given up for the token limit',
  },
  {
    wrong: 'an unused file stayed at the API: the key had been replaced between upload and create',
    seed: 1530,
    leftOut: {
      actions: [6, 5, 4, 3, 2, 1],
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
        file: 'functions/submit/submit-part.ts',
        anchor: 'unusedFiles: [...(part.unusedFiles ?? []), ...left]',
        replacement: 'leftFiles: part.leftFiles ?? []',
      },
    ],
    shows: 'is still at the API',
  },
  {
    wrong: 'of two cancels of a key only the newer was saved, and the file that the older one meant ran',
    seed: 1617,
    leftOut: {
      actions: [6, 4, 3, 2, 0],
      allFaultsBut: [
        'cancel outruns its file @ deed 5',
        'message late @ deed 5 1',
        'object overwritten @ deed 1',
        'cancel outruns its file @ deed 1 again',
      ],
    },
    without: [
      {
        file: 'functions/cancel/record-cancel.ts',
        anchor: 'withCancel(pointer.cancels, sentAt);',
        replacement:
          'withCancel((pointer.cancels ?? []).filter((known) => known > sentAt), sentAt)?.slice(-1);',
      },
    ],
    shows: 'was cancelled by key',
  },
  {
    wrong: 'a cancel by key missed the version that it meant, whose event came after that of a newer version',
    seed: 27,
    leftOut: {
      actions: [5, 3, 2, 1],
      allFaultsBut: [
        'cancel outruns its file @ deed 4',
        'message late @ deed 4 1',
        'object overwritten @ deed 4',
      ],
    },
    without: [
      {
        file: 'functions/intake/intake-job.ts',
        anchor: 'if (!isNewest && placed !== newest.jobId) {',
        replacement: 'if (!isNewest && placed === newest.jobId) {',
      },
    ],
    shows: 'was cancelled by key',
  },
  {
    wrong: 'a delivery that was frozen until after the clean-up of its job left pieces in the results bucket',
    seed: 132,
    leftOut: {
      actions: [5, 2],
      allFaultsBut: [
        'slow before its effect @ intake(m9561.1#1)/18',
        'frozen before its effect @ cancel(m9026.1#1)/5',
        'fails after its effect @ poll#1/18',
        'fails after its effect @ poll#2/20',
        'slow to answer @ intake(m7266.1#1)/12',
        'fails after its effect @ poll#4/0',
        'clock skewed @ poll#5',
        'slow to answer @ poll#5/15',
        'fails after its effect @ poll#7/25',
        'fails after its effect @ deliver(m2244.1#1)/1',
        'slow to answer @ poll#9/1',
        'slow before its effect @ poll#10/11',
        'fails before its effect @ poll#11/20',
        'fails after its effect @ deliver(m7794.1#1)/6',
        'frozen before its effect @ poll#12/4',
        'dies after its effect @ submit(m8714.1#1)/4',
        'dies before its effect @ poll#15/5',
        'dies after its effect @ poll#17/10',
        'clock skewed @ poll#18',
        'dies before its effect @ poll#18/12',
        'frozen before its answer @ deliver(m9990.1#1)/8',
        'cancel leaves partial results @ batch 2',
        'frozen before its answer @ poll#21/23',
        'clock skewed @ poll#23',
        'slow to answer @ poll#23/11',
      ],
    },
    without: [
      {
        file: 'functions/deliver/part/deliver-part.ts',
        anchor: '      await discardSupersededDelivery(deps, leased.part, deliveryId, failure);\n',
        replacement: '',
      },
      {
        file: 'functions/deliver/clean-up-job.ts',
        anchor: 'parts.some(({ deliveryIds = [], ran }) => deliveryIds.length > ran.length + 1);',
        replacement: 'false;',
      },
    ],
    shows: 'is still in the results bucket',
  },
  {
    wrong:
      "under another account's key result files seemed to be gone, and rows that ran were reported as missing",
    seed: 197,
    leftOut: {
      actions: [5, 4, 3, 0, 2],
      allFaultsBut: [
        'key of another account @ the operator',
        'request bucket crawls @ intake(m3970.1#1)/11',
        'cancel loses the race @ batch 1',
        'dies after its effect @ poll#14/15',
        'tick doubled @ tick 15',
        'fails before its effect @ poll#15/1',
        'slow before its effect @ poll#17/6',
        'fails before its effect @ poll#18/26',
        'slow before its effect @ poll#19/5',
        'fails before its effect @ poll#20/6',
        'slow to answer @ poll#23/7',
        'ledger throttled @ poll#25/6',
        'dies after its effect @ poll#27/21',
        'slow before its effect @ poll#28/0',
        'slow to answer @ poll#29/2',
      ],
    },
    without: [
      {
        file: 'functions/deliver/part/deliver-part.ts',
        anchor: '    await assureGone(deps, fileId, part.intent?.account);\n',
        replacement: '',
      },
    ],
    shows: 'ran and is not in output.jsonl',
  },
  {
    wrong: "under another account's key files seemed to be deleted, and stayed at the API",
    seed: 127,
    leftOut: {
      actions: [2, 1],
      allFaultsBut: [
        'key of another account @ the operator',
        'token limit @ batch 2',
        'fails before its effect @ poll#2/29',
      ],
    },
    without: [
      {
        file: 'functions/shared/lifecycle/openai-account.ts',
        anchor: "return was === 'deleted' || owner === undefined || owner === account;",
        replacement: "return was === 'deleted' || owner === undefined || account !== undefined;",
      },
    ],
    shows: 'is still at the API',
  },
  {
    wrong: 'a scan that was frozen while its job was cancelled and cleaned up left a checkpoint',
    seed: 283,
    leftOut: {},
    without: [
      {
        file: 'functions/deliver/clean-up-job.ts',
        anchor: 'scan.turns > 1 || lease !== undefined',
        replacement: 'scan.turns > 1',
      },
    ],
    shows: 'scan-1 is still in the results bucket',
  },
  {
    wrong: 'a delivery that was frozen before it was recorded left row states in the results bucket',
    seed: 22982,
    leftOut: {
      actions: [],
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
        file: 'functions/deliver/part/deliver-part.ts',
        anchor: "    await deps.results.put(keys.states, states.bytes(), 'application/octet-stream');\n",
        replacement: '',
      },
      {
        file: 'functions/deliver/part/deliver-part.ts',
        anchor: '    // Before anything becomes visible,',
        replacement:
          "    await deps.results.put(keys.states, states.bytes(), 'application/octet-stream');\n    // Before anything becomes visible,",
      },
    ],
    shows: 'rows.states is still in the results bucket',
  },
  {
    wrong:
      'a job that was cancelled after a batch had ended and before its results were stored ran rows again',
    seed: 132,
    leftOut: {
      actions: [5, 4, 2, 3],
      allFaultsBut: [
        'slow before its effect @ intake(m9561.1#1)/18',
        'fails after its effect @ poll#1/18',
        'fails after its effect @ poll#2/20',
        'slow to answer @ intake(m7266.1#1)/12',
        'entry refused by the bus @ intake(m7266.1#1)/23',
        'fails after its effect @ poll#4/0',
        'clock skewed @ poll#5',
        'slow to answer @ poll#5/15',
        'fails after its effect @ poll#7/25',
        'slow to answer @ poll#9/1',
        'clock skewed @ poll#10',
        'fails before its effect @ poll#11/20',
        'frozen before its effect @ poll#12/4',
        'slow before its effect @ poll#13/27',
        'frozen before its answer @ deliver(m4008.1#1)/9',
        'cancel leaves partial results @ batch 2',
      ],
    },
    without: [
      {
        file: 'functions/cancel/record-cancel.ts',
        anchor: 'if (isAtItsEnd(part) || part',
        replacement:
          'if (isAtItsEnd(part) || (part.batch && hasEnded(part.batch.status) && !part.willRetry) || part',
      },
    ],
    shows: 'has no cancel request',
  },
];
