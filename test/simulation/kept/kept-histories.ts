import type { LeftOut } from '../faults/fault-book.ts';
import type { Mutant } from '../mutants/mutants.ts';

/**
 * A history that breaks a promise without a fix, shrunk if possible. It is not always the history that found the
 * defect: calls have changed since, and if that history no longer broke the promise without the fix, another one
 * replaced it.
 */
export interface KeptHistory {
  /** What was wrong. */
  wrong: string;
  seed: number;
  leftOut: LeftOut;
  /** Removes the fix from the source, so that the promise is broken again. */
  without: Mutant['patches'];
  /** The violation contains this text. */
  shows: string;
}

export const KEPT: KeptHistory[] = [
  {
    wrong: 'a job was given up for the token limit: the API had rejected its batch before Batchdrop found it',
    seed: 57,
    leftOut: {
      actions: [6, 5, 4, 3, 2, 1],
      allFaultsBut: [
        'object overwritten @ deed 0',
        'slow to answer @ intake(m2789.1#1)/6',
        'frozen before its effect @ poll#2/1',
        'message twice @ poll#3/11 submit',
        'slow down (429) @ submit(m4461.2#1)/3',
        'dies after its effect @ poll#4/1',
        'message late @ poll#5/9 submit 1',
        'create accepted, answer lost @ create submit(m9459.1#1)/9',
        'token limit @ batch 1',
        'slow to answer @ submit(m9459.1#1)/11',
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
    wrong: 'an unused file stayed at the API: its part needed another one',
    seed: 57,
    leftOut: {
      actions: [6, 5, 4, 3, 1, 2],
      allFaultsBut: ['token limit @ batch 1'],
    },
    without: [
      {
        file: 'functions/shared/domain/spending/replaced-intents.ts',
        anchor: '[...(part.unusedFiles ?? []), fileOf(intent)]',
        replacement: '[...(part.unusedFiles ?? [])]',
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
    seed: 570,
    leftOut: {
      actions: [6, 3, 2],
      allFaultsBut: [
        'messages out of order @ deed 0 1',
        'object overwritten @ deed 0',
        'message late @ deed 5 1',
        'dies before its effect @ intake(m8111.1#1)/4',
        'slow before its effect @ intake(m5901.1#1)/0',
        'slow before its effect @ intake(m5901.1#1)/6',
        'parts missing from the ledger @ jnyckwy3v6yieswt2jue66x5xq 1793491632213',
        'tick skipped @ tick 8',
        'slow before its effect @ poll#9/2',
        'cancel while the plan is committed @ 7fo7xgmrsuqcmytbenfxsu6yjv kchfulxconbliajue5hbgv7f4y',
        'frozen before its answer @ poll#10/0',
        'dies before its effect @ intake(m2898.1#1)/2',
        'slow before its effect @ poll#11/0',
        'tick skipped @ tick 12',
        'tick skipped @ tick 13',
        'frozen before its answer @ poll#14/1',
        'message late @ deed 1 1',
        'object overwritten @ deed 1',
        'tick skipped @ tick 15',
        'frozen before its effect @ poll#14/2',
        'tick skipped @ tick 16',
        'slow before its effect @ poll#17/1',
        'frozen before its answer @ intake(m6726.1#1)/3',
        'frozen before its answer @ poll#18/2',
        'message late @ poll#19/17 deliver 1',
        'message lost @ poll#19/19 intake',
        'dies after its effect @ poll#21/8',
        'slow before its effect @ poll#22/3',
        'dies before its effect @ poll#23/5',
        'tick skipped @ tick 24',
        'frozen before its answer @ poll#25/6',
        'slow before its effect @ poll#25/9',
        'ledger conflict @ j36kjoj3vmgvn2zjohpoogkllt v2 1793493424069',
        'tick skipped @ tick 26',
        'message twice @ poll#27/15 deliver',
        'frozen before its answer @ deliver(m3084.2#1)/2',
      ],
    },
    without: [
      {
        file: 'functions/deliver/part/deliver-part.ts',
        anchor: '      await discardSupersededDelivery(deps, leased.item, deliveryId, failure);\n',
        replacement: '',
      },
      {
        file: 'functions/deliver/part/next-attempt.ts',
        anchor: 'return deliverySuperseded || Math.max(deliveryIds.length, deliveryMessages) > 1;',
        replacement: 'return deliverySuperseded && deliveryIds.length + deliveryMessages < 0;',
      },
      {
        file: 'functions/deliver/handler.ts',
        anchor: "if (part?.item.phase === 'delivered') await reopenIfPiecesAreLeft(deps, job.item);",
        replacement: 'if (job.item.rev < 0) await reopenIfPiecesAreLeft(deps, job.item);',
      },
    ],
    shows: 'is still in the results bucket',
  },
  {
    wrong:
      'a job that was cancelled after a batch had ended and before its results were stored ran rows again',
    seed: 30,
    leftOut: {
      actions: [3],
      allFaultsBut: [
        'message late @ poll#1/11 submit 1',
        'fails after its effect @ intake(m8393.1#1)/4',
        'tick skipped @ tick 2',
        'tick skipped @ tick 4',
        'fails after its effect @ poll#5/4',
        'tick skipped @ tick 9',
        'slow before its effect @ poll#13/6',
        'webhook late @ batch_000001 1',
        'slow before its effect @ poll#13/10',
      ],
    },
    without: [
      {
        file: 'functions/shared/domain/part-end.ts',
        anchor: 'if (isAtItsEnd(part) || part.cancelRequestedAt',
        replacement: "if (isAtItsEnd(part) || part.phase === 'batch_ended' || part.cancelRequestedAt",
      },
    ],
    shows: 'has no cancel request',
  },
  {
    wrong:
      'a batch was reported as a second one: the response to its create came after a search had found it and the next attempt had begun',
    seed: 223,
    leftOut: {
      actions: [5, 4, 3, 1],
      allFaultsBut: [
        'dies after its effect @ intake(m1818.1#1)/10',
        'slow before its effect @ intake(m9142.1#1)/8',
        'fails after its effect @ poll#15/0',
        'create accepted, answer frozen @ create submit(m6541.1#1)/10',
        'rows fail for a passing reason @ batch 1',
        'dies before its effect @ poll#20/9',
        'dies after its effect @ poll#21/9',
        'dies after its effect @ intake(m1207.1#1)/8',
        'slow before its effect @ intake(m5332.1#1)/5',
        'dies after its effect @ intake(m1075.1#1)/7',
      ],
    },
    without: [
      {
        file: 'functions/shared/lifecycle/spending/second-batches.ts',
        anchor: 'if ((await unknownOf(deps, inHand.item, [{ batchId }])).length === 0) return;',
        replacement: 'if (inHand.item.secondBatchIds.includes(batchId)) return;',
      },
      {
        file: 'functions/shared/lifecycle/spending/second-batches.ts',
        anchor: 'if (knows(part, batchId)) return undefined;',
        replacement: 'if (part.secondBatchIds.includes(batchId)) return undefined;',
      },
    ],
    shows: 'is no second batch',
  },
  {
    wrong:
      'three versions of a key replaced each other in a circle, and none ran: an intake that was frozen until after its lease replaced a job',
    seed: 14480,
    leftOut: {
      actions: [3, 0],
      allFaultsBut: [
        'paused and resumed @ the operator',
        'message late @ deed 5 1',
        'object overwritten @ deed 1',
        'object overwritten @ deed 2',
        'frozen before its answer @ intake(m1183.1#1)/4',
        'frozen before its answer @ intake(m8310.1#1)/4',
        'frozen before its answer @ intake(m6947.1#1)/2',
        'tick skipped @ tick 18',
      ],
    },
    without: [
      {
        file: 'functions/intake/join-job.ts',
        anchor: "if (!(await mayReplace(leased))) return { do: 'cancel' };",
        replacement:
          "if ((await deps.ledger.readJob(job.jobId))?.cancelRequestedAt !== undefined) return { do: 'cancel' };",
      },
    ],
    shows: 'no cancel means it',
  },
  {
    wrong:
      'the event of a rejected batch lost what the part waited for: the part was admitted before the event was stored as published',
    seed: 18746,
    leftOut: {
      actions: [4],
      allFaultsBut: [
        'fails before its effect @ intake(m7197.1#1)/4',
        'object overwritten @ deed 3',
        'fails before its effect @ poll#1/0',
        'fails before its effect @ intake(m3317.1#1)/2',
        'tick skipped @ tick 3',
        'fails before its effect @ poll#4/0',
        'tick doubled @ tick 4',
        'tick skipped @ tick 5',
        'fails after its effect @ poll#4b/6',
        'message twice @ poll#4b/10 intake',
        'fails after its effect @ submit(m4171.1#1)/1',
        'tick skipped @ tick 6',
        'slow before its effect @ poll#7/3',
        'messages out of order @ deed 3 again 1',
        'dies before its effect @ poll#2/8',
        'message twice @ poll#8/9 intake',
        'slow to answer @ poll#8/9',
        'fails after its effect @ intake(m1429.1#1)/0',
        'fails before its effect @ intake(m1429.2#1)/6',
        'token limit @ batch 1',
        'tick skipped @ tick 9',
        'slow before its effect @ poll#10/3',
        'tick skipped @ tick 11',
        'tick skipped @ tick 12',
        'fails after its effect @ poll#13/0',
        'fails after its effect @ cancel(m3381.1#1)/3',
        'fails after its effect @ intake(m2554.1#1)/2',
        'frozen before its answer @ poll#14/5',
        'tick skipped @ tick 15',
        'fails before its effect @ poll#16/2',
        'slow before its effect @ poll#16/6',
        'fails after its effect @ poll#17/6',
        'slow to answer @ poll#17/15',
        'fails after its effect @ deliver(m3598.1#1)/4',
        'slow down (429) @ submit(m1400.1#1)/3',
        'fails after its effect @ poll#18/0',
        'frozen before its answer @ intake(m3695.1#1)/1',
        'dies before its effect @ poll#19/3',
        'slow before its effect @ poll#20/9',
        'fails before its effect @ poll#20/16',
        'fails before its effect @ poll#20/22',
        'ledger throttled @ intake(m6277.1#1)/4',
        'fails after its effect @ poll#21/0',
        'fails before its effect @ intake(m3695.1#1)/2',
        'ledger throttled @ poll#22/0',
        'fails after its effect @ poll#23/15',
        'ledger conflict @ iz7yb2mpefewas5blhuravpzco/mlltdz337pzglep75kk3lfhmp7/1 v6 1793494321695',
      ],
    },
    without: [
      {
        file: 'functions/poll/admission/admit-parts.ts',
        anchor: 'if (part.rev > part.publishedRev) return undefined;',
        replacement: '',
      },
    ],
    shows: 'was published with two contents',
  },
  {
    wrong:
      'rows of a second batch were paid for twice: a delivery that was frozen stored the results of the first as those of the second',
    seed: 25767,
    leftOut: {
      actions: [3, 2],
      allFaultsBut: [
        'dies before its effect @ poll#7/5',
        'dies before its effect @ submit(m5738.1#1)/5',
        'rows fail for a passing reason @ batch 5',
        'frozen before its effect @ deliver(m8174.1#1)/5',
        'message lost @ webhook(batch_000008 1#1)/8 deliver',
      ],
    },
    without: [
      {
        file: 'functions/deliver/part/deliver-part.ts',
        anchor: 'if (part.batch?.batchId !== seen.batch?.batchId) return undefined;',
        replacement: '',
      },
    ],
    shows: 'was billed twice',
  },
  {
    wrong:
      'a second batch of a rejected create was taken for the answer to the next create with the same file, whose own batch came later: rows were paid for twice',
    seed: 38771,
    leftOut: {
      actions: [2],
      allFaultsBut: [
        'message late @ deed 0 1',
        'slow before its effect @ intake(m3598.1#1)/4',
        'entry refused by the bus @ intake(m8645.1#1)/11',
        'entry refused by the bus @ poll#23/8',
        'ledger throttled @ submit(m6127+.1#1)/7',
        'create accepted late @ create submit(m6127.1#1)/9',
        'ledger conflict @ wu4sf5gzqrysbeiqgdftytvusf/sl7yt64ahht3smtc4icv7uuloc/1 v4 1793492587842',
        'slow down (429) @ submit(m6127.1#1)/14',
        'clock skewed @ poll#24',
        'slow before its effect @ poll#24/8',
        'slow before its effect @ submit(m2167.1#1)/5',
        'slow before its effect @ poll#26/5',
        'slow down (429) @ submit(m2167.1#1)/6',
        'slow before its effect @ poll#27/10',
        'token limit @ batch 1',
        'create duplicated @ iqxtpolmosd43yxxbrxmlcyakg',
        'token limit @ batch 2',
        'slow before its effect @ webhook(batch_000001 1#1)/0',
        'ledger throttled @ webhook(batch_000001 1#2)/0',
        'frozen before its effect @ webhook(batch_000001 1#3)/0',
        'slow before its effect @ poll#30/0',
        'slow before its effect @ poll#31/10',
        'uploaded file not visible yet @ file-000003',
        'list malformed @ list 3',
        'clock skewed @ poll#32',
        'slow before its effect @ poll#32/2',
        'slow before its effect @ submit(m7304.1#1)/1',
        'ledger conflict @ wu4sf5gzqrysbeiqgdftytvusf v3 1793493602225',
        'slow before its effect @ poll#34/21',
        'list malformed @ list 4',
        'call hangs @ list  9',
        'ledger throttled @ submit(m7304.1#1)/4',
        'tick skipped @ tick 35',
        'create accepted late @ create submit(m4647.1#1)/7',
      ],
    },
    without: [
      {
        file: 'functions/submit/ambiguous-create.ts',
        anchor: 'if (!isOfEarlierIntent(batch, search.part)) found.push(batch);',
        replacement: 'if (!isOfEarlierIntent(batch, search.part) || true) found.push(batch);',
      },
    ],
    shows: 'was billed twice',
  },
];
