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
    seed: 189,
    leftOut: {
      actions: [4, 2],
      allFaultsBut: [
        'paused and resumed @ the operator',
        'request bucket crawls @ intake(m2392.1#1)/6',
        'frozen before its effect @ poll#10/17',
        'dies after its effect @ poll#11/7',
        'tick skipped @ tick 12',
        'frozen before its effect @ poll#10/18',
        'tick skipped @ tick 13',
        'dies before its effect @ poll#14/6',
        'tick skipped @ tick 15',
        'tick skipped @ tick 16',
        'dies before its effect @ poll#17/6',
        'fails before its effect @ poll#18/0',
        'tick doubled @ tick 18',
        'dies after its effect @ poll#18b/1',
        'dies after its effect @ poll#20/0',
        'object overwritten @ deed 3',
        'fails before its effect @ intake(m4329.1#1)/7',
        'frozen before its effect @ poll#21/17',
        'frozen before its effect @ poll#22/4',
        'object overwritten @ deed 5',
        'ledger throttled @ poll#22/6',
        'dies before its effect @ poll#23/8',
        'ledger throttled @ poll#24/20',
        'ledger conflict @ j36kjoj3vmgvn2zjohpoogkllt/sa57eb542vv64tjndvci45ky5m/1 v2 1793492828714',
        'ledger throttled @ poll#24/28',
        'request bucket crawls @ intake(m8028.1#1)/5',
        'message lost @ poll#25/21 intake',
        'dies after its effect @ poll#25/21',
        'dies after its effect @ intake(m2192.1#1)/0',
        'tick skipped @ tick 26',
        'frozen before its effect @ poll#27/4',
        'dies before its effect @ poll#28/7',
        'ledger throttled @ intake(m1131.1#1)/2',
        'tick skipped @ tick 29',
        'tick skipped @ tick 30',
        'message lost @ poll#27/10 submit',
        'clock skewed @ poll#31',
        'due index stale @ shard 15 1793493244880',
        'request bucket crawls @ intake(m2096.1#1)/8',
        'tick skipped @ tick 32',
        'message lost @ poll#33/22 intake',
        'dies after its effect @ poll#33/22',
        'tick skipped @ tick 35',
        'tick skipped @ tick 36',
        'tick doubled @ tick 37',
        'fails before its effect @ poll#37/3',
        'ledger throttled @ poll#37/22',
        'create accepted late @ create submit(m5422.1#1)/8',
        'fails before its effect @ intake(m8864.1#1)/2',
        'token limit @ batch 1',
      ],
    },
    without: [
      {
        file: 'functions/shared/lifecycle/save-batch.ts',
        anchor: '...phaseAfter(part, state, now)',
        replacement: '...phaseAfter({ ...part, cancelRequestedAt: now }, state, now)',
      },
    ],
    shows: 'was given up for the token limit',
  },
  {
    wrong: 'an unused file stayed at the API: the key had been replaced between upload and create',
    seed: 193,
    leftOut: {
      actions: [1, 0, 4],
      allFaultsBut: [
        'key of another account @ the operator',
        'request bucket crawls @ intake(m3347.1#1)/6',
        'token limit @ batch 3',
      ],
    },
    without: [
      {
        file: 'functions/submit/submit-part.ts',
        anchor: '[...(part.unusedFiles ?? []), unused]',
        replacement: 'part.unusedFiles ?? []',
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
        file: 'functions/intake/join-job.ts',
        anchor: 'if (!isNewest && placed !== newest.jobId) {',
        replacement: 'if (!isNewest && placed === newest.jobId) {',
      },
    ],
    shows: 'was cancelled by key',
  },
  {
    wrong: 'a delivery that was frozen until after the clean-up of its job left pieces in the results bucket',
    seed: 416,
    leftOut: {
      actions: [6, 5, 3, 2, 1],
      allFaultsBut: [
        'dies before its effect @ poll#4/18',
        'dies after its effect @ poll#8/6',
        'slow to answer @ submit(m5380.1#1)/10',
        'frozen before its effect @ deliver(m3384.1#1)/6',
      ],
    },
    without: [
      {
        file: 'functions/deliver/part/deliver-part.ts',
        anchor: '      await discardSupersededDelivery(deps, leased.item, deliveryId, failure);\n',
        replacement: '',
      },
      {
        file: 'functions/deliver/clean-up-job.ts',
        anchor: 'return Math.max(deliveryIds.length, deliveryMessages) > ran.length + 1;',
        replacement: 'return deliveryIds.length + deliveryMessages + ran.length < 0;',
      },
    ],
    shows: 'is still in the results bucket',
  },
  {
    wrong:
      "under another account's key result files seemed to be gone, and rows that ran were reported as missing",
    seed: 174,
    leftOut: {
      actions: [1],
      allFaultsBut: [
        'key of another account @ the operator',
        'request bucket crawls @ intake(m9279.1#1)/7',
        'dies after its effect @ poll#11/9',
        'clock skewed @ poll#12',
        'slow to answer @ poll#13/7',
        'dies after its effect @ poll#14/10',
        'dies after its effect @ poll#15/9',
        'slow to answer @ poll#16/1',
        'dies after its effect @ poll#20/20',
        'slow to answer @ poll#22/11',
        'clock skewed @ poll#23',
        'dies before its effect @ poll#24/20',
        'dies after its effect @ poll#25/20',
        'dies after its effect @ poll#26/6',
        'frozen before its answer @ poll#27/5',
        'fails before its effect @ poll#28/3',
        'frozen before its answer @ poll#29/14',
      ],
    },
    without: [
      {
        file: 'functions/deliver/part/deliver-part.ts',
        anchor:
          '  await assureGone(deps, batch.outputFileId ?? batch.errorFileId ?? batch.batchId, intent?.account);\n',
        replacement: '',
      },
    ],
    shows: 'ran and is not in output.jsonl',
  },
  {
    wrong: "under another account's key files seemed to be deleted, and stayed at the API",
    seed: 159,
    leftOut: {
      actions: [2, 0, 5],
      allFaultsBut: [
        'key of another account @ the operator',
        'dies after its effect @ intake(m3897.1#1)/6',
        'dies after its effect @ poll#9/0',
        'cancel leaves partial results @ batch 2',
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
    seed: 2414,
    leftOut: {
      actions: [2],
      allFaultsBut: [
        'frozen before its answer @ intake(m6545.1#1)/3',
        'fails before its effect @ intake(m6545.1#1)/10',
      ],
    },
    without: [
      {
        file: 'functions/deliver/clean-up-job.ts',
        anchor: 'scan.invocations > 1 || lease !== undefined',
        replacement: 'scan.invocations > 1',
      },
    ],
    shows: 'checkpoint-1 is still in the results bucket',
  },
  {
    wrong: 'a delivery that was frozen before it was recorded left row states in the results bucket',
    seed: 603,
    leftOut: {
      actions: [],
      allFaultsBut: [
        'message late @ deed 1 1',
        'fails after its effect @ intake(m1373.1#1)/6',
        'dies after its effect @ poll#1/12',
        'slow before its effect @ poll#2/6',
        'slow to answer @ intake(m8353.1#1)/13',
        'fails before its effect @ intake(m8215.1#1)/1',
        'frozen before its answer @ poll#3/23',
        'slow before its effect @ poll#5/7',
        'message late @ deed 2 1',
        'frozen before its answer @ poll#6/12',
        'slow to answer @ poll#7/4',
        'slow before its effect @ poll#10/15',
        'frozen before its answer @ poll#11/10',
        'fails before its effect @ poll#12/19',
        'frozen before its effect @ intake(m9383.1#1)/14',
        'slow to answer @ poll#14/2',
        'frozen before its effect @ poll#15/11',
        'message lost @ poll#16/24 submit',
        'frozen before its answer @ intake(m8415.1#1)/4',
        'frozen before its effect @ poll#17/1',
        'slow before its effect @ poll#18/5',
        'fails after its effect @ poll#19/1',
        'dies after its effect @ poll#20/25',
        'fails after its effect @ deliver(m8157.1#1)/6',
        'frozen before its answer @ poll#15/16',
        'frozen before its effect @ poll#21/14',
        'message lost @ poll#22/21 deliver',
        'fails after its effect @ poll#23/6',
        'slow to answer @ poll#23/18',
        'message twice @ poll#24/23 deliver',
        'content 502 @ content file-000002 9',
        'slow before its effect @ deliver(m9089.2#1)/3',
        'frozen before its effect @ poll#25/6',
        'fails before its effect @ poll#26/1',
        'slow to answer @ poll#27/2',
        'fails before its effect @ intake(m7053.1#1)/10',
        'slow to answer @ poll#28/10',
        'slow before its effect @ poll#29/4',
        'dies after its effect @ poll#30/5',
        'fails before its effect @ poll#31/1',
        'slow before its effect @ poll#32/14',
        'slow before its effect @ poll#33/3',
        'frozen before its effect @ poll#33/23',
        'dies after its effect @ poll#34/0',
        'frozen before its answer @ poll#35/9',
        'dies after its effect @ poll#36/7',
        'slow before its effect @ poll#37/10',
        'dies after its effect @ poll#38/5',
        'slow to answer @ poll#39/19',
        'message late @ poll#39/23 deliver 1',
        'slow to answer @ poll#39/23',
        'message twice @ poll#40/29 submit',
        'frozen before its answer @ deliver(m7881.1#1)/9',
        'fails before its effect @ submit(m5231.2#1)/6',
        'fails before its effect @ submit(m5231.2#1)/7',
        'message lost @ poll#33/29 deliver',
        'content truncated @ content file-000002 11',
        'fails before its effect @ deliver(m7732.1#1)/0',
        'slow before its effect @ poll#48/0',
        'message late @ poll#49/24 deliver 1',
        'fails after its effect @ deliver(m7881.1#1)/17',
        'frozen before its answer @ deliver(m4519.1#1)/1',
        'frozen before its effect @ poll#66/5',
        'slow before its effect @ poll#67/1',
        'fails after its effect @ poll#68/0',
        'slow to answer @ deliver(m4532.1#1)/11',
        'frozen before its answer @ deliver(m4519.1#1)/2',
        'slow to answer @ deliver(m4519.1#1)/6',
      ],
    },
    without: [
      {
        file: 'functions/deliver/part/deliver-part.ts',
        anchor: 'return { ...part, deliveryIds: [...(part.deliveryIds ?? []), deliveryId] };',
        replacement: 'return part;',
      },
      {
        file: 'functions/deliver/part/deliver-part.ts',
        anchor: 'await store(deps, part, { deliveryId, unanswered }, deadline);',
        replacement:
          'await store({ ...deps, record: () => leased.change((now) => ({ ...now, deliveryIds: [...(now.deliveryIds ?? []), deliveryId] })) }, part, { deliveryId, unanswered }, deadline);',
      },
      {
        file: 'functions/deliver/part/deliver-part.ts',
        anchor: "    await deps.results.put(keys.states, states.bytes(), 'application/octet-stream');\n",
        replacement:
          "    await deps.results.put(keys.states, states.bytes(), 'application/octet-stream');\n    await (deps as unknown as { record(): Promise<boolean> }).record();\n",
      },
    ],
    shows: 'rows.states is still in the results bucket',
  },
  {
    wrong:
      'a job that was cancelled after a batch had ended and before its results were stored ran rows again',
    seed: 10,
    leftOut: {
      actions: [6, 4, 3, 1],
      allFaultsBut: [
        'create accepted, answer frozen @ create submit(m1617.1#1)/8',
        'messages out of order @ intake(m5834.1#1)/14 submit 1',
      ],
    },
    without: [
      {
        file: 'functions/cancel/record-cancel.ts',
        anchor: 'if (isAtItsEnd(part) || part',
        replacement: "if (isAtItsEnd(part) || part.phase === 'batch_ended' || part",
      },
    ],
    shows: 'has no cancel request',
  },
];
