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
        'fails after its effect @ intake(m8393.1#1)/4',
        'tick skipped @ tick 2',
        'fails before its effect @ poll#3/8',
        'tick skipped @ tick 4',
        'fails after its effect @ poll#5/4',
        'fails before its effect @ poll#7/0',
        'tick skipped @ tick 9',
        'tick skipped @ tick 11',
        'tick skipped @ tick 14',
        'dies before its effect @ poll#15/18',
        'dies before its effect @ poll#16/4',
        'tick skipped @ tick 17',
        'tick skipped @ tick 18',
        'create accepted late @ create submit(m7949.1#1)/9',
        'uploaded file not visible yet @ file-000005',
        'token limit @ batch 4',
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
    wrong:
      'a job that was cancelled after a batch had ended and before its results were stored ran rows again',
    seed: 11,
    leftOut: {
      actions: [4, 3, 0],
      allFaultsBut: [
        'slow down (429) @ poll#4/6',
        'dies after its effect @ poll#7/2',
        'fails after its effect @ deliver(m4754.1#1)/4',
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
