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
    seed: 30,
    leftOut: {
      actions: [2],
      allFaultsBut: [
        'messages out of order @ deed 1 1',
        'message twice @ poll#1/23 submit',
        'message late @ poll#1/23 submit 1',
        'slow before its effect @ submit(m6088.2#1)/2',
        'fails after its effect @ intake(m8393.1#1)/4',
        'tick skipped @ tick 2',
        'clock skewed @ poll#3',
        'due index stale @ shard 4 1793491378048',
        'fails before its effect @ poll#3/8',
        'tick skipped @ tick 4',
        'fails after its effect @ poll#5/4',
        'slow before its effect @ submit(m6088.2#1)/6',
        'fails before its effect @ intake(m4505.1#1)/1',
        'fails before its effect @ poll#7/0',
        'create answered by a gateway @ wej6xnw4e4ao3egw5rsdczhrkj batch_000001',
        'list lags @ batch_000001',
        'tick skipped @ tick 9',
        'frozen before its answer @ poll#10/12',
        'tick skipped @ tick 11',
        'dies before its effect @ poll#12/11',
        'slow before its effect @ poll#13/6',
        'slow before its effect @ poll#13/10',
        'tick skipped @ tick 14',
        'dies before its effect @ poll#15/18',
        'dies before its effect @ poll#16/4',
        'dies before its effect @ submit(m6088.1#1)/2',
        'tick skipped @ tick 17',
        'fails before its effect @ intake(m8743.1#1)/4',
        'tick skipped @ tick 18',
        'fails after its effect @ poll#19/25',
        'tick skipped @ tick 22',
        'dies before its effect @ poll#24/4',
        'tick skipped @ tick 25',
        'frozen before its effect @ poll#26/13',
        'clock skewed @ poll#27',
        'frozen before its effect @ poll#27/4',
        'tick skipped @ tick 29',
        'tick skipped @ tick 30',
        'create accepted late @ create submit(m4948.1#1)/9',
        'token limit @ batch 3',
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
];
