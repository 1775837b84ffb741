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
    seed: 19,
    leftOut: {
      actions: [2],
      allFaultsBut: [
        'message lost @ intake(m1207.1#1)/13 submit',
        'messages out of order @ deed 3 1',
        'message lost @ intake(m9074.1#1)/14 submit',
        'create accepted late @ create submit(m1515.1#1)/9',
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
    seed: 47,
    leftOut: {
      actions: [4, 1, 2],
      allFaultsBut: [
        'object overwritten @ deed 0',
        'slow before its effect @ intake(m3706.1#1)/11',
        'frozen before its effect @ poll#1/5',
        'message lost @ poll#2/13 submit',
        'clock skewed @ poll#5',
        'fails before its effect @ poll#5/9',
        'cancel leaves partial results @ batch 1',
        'frozen before its answer @ submit(m5896.1#1)/10',
        'uploaded file not visible yet @ file-000001',
        'message late @ poll#7/11 submit 1',
        'slow before its effect @ intake(m5769.1#1)/6',
        'frozen before its effect @ submit(m1959.1#1)/1',
        'cancel while the plan is committed @ 3dbt3hvhp7gyrwamiogqh2llfa cohr452ndtpnj7ky2hkebkglde',
        'frozen before its answer @ poll#10/4',
        'rows fail for a passing reason @ batch 2',
        'create accepted, answered 429 @ 6brjgtwn5fwlkf76ovuow2fr5t batch_000002',
        'frozen before its answer @ poll#11/14',
        'frozen before its effect @ submit(m3370.1#1)/6',
        'webhook lost @ batch_000002',
        'fails before its effect @ deliver(m6348.1#1)/3',
        'fails before its effect @ poll#13/6',
        'slow to answer @ poll#13/7',
        'clock skewed @ poll#14',
        'slow before its effect @ poll#15/0',
        'message twice @ poll#16/13 deliver',
        'slow before its effect @ deliver(m8993.2#1)/2',
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
        file: 'functions/cancel/record-cancel.ts',
        anchor: 'if (isAtItsEnd(part) || part.cancelRequestedAt',
        replacement: "if (isAtItsEnd(part) || part.phase === 'batch_ended' || part.cancelRequestedAt",
      },
    ],
    shows: 'has no cancel request',
  },
];
