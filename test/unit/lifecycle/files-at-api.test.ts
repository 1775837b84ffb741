import { describe, expect, it } from 'vitest';
import { wholePart } from '../../../functions/shared/domain/spending/past-attempts.ts';
import { everyFileOf, filesOf } from '../../../functions/shared/lifecycle/spending/files-at-api.ts';
import { aBatch, aPart, DELIVERED } from '../../contracts/samples.ts';

const earlier = {
  batch: aBatch({ batchId: 'batch_1', inputFileId: 'file-in-1', outputFileId: 'file-out-1' }),
  intent: { id: 'i1', at: 1, account: 'org-1', fileId: 'file-in-1' },
  rows: 3,
};
const part = aPart({
  batch: aBatch({
    status: 'completed',
    inputFileId: 'file-in-2',
    outputFileId: 'file-out-2',
    errorFileId: 'file-err-2',
  }),
  intent: { id: 'i2', at: 2, account: 'org-1', fileId: 'file-in-2', sendBy: 3 },
  delivered: DELIVERED,
  ran: [earlier],
  unusedFiles: [{ fileId: 'file-unused', account: 'org-2' }],
  doubtfulFiles: [{ batchId: 'batch_2', fileId: 'file-err-2', why: 'a line is missing' }],
});

describe('the files of a part at the API', () => {
  it('are each named once, with their account, also those that a clean-up leaves as evidence', () => {
    const files = everyFileOf(wholePart(part, []));
    expect(files.map(({ fileId }) => fileId).sort()).toEqual([
      ...['file-err-2', 'file-in-1', 'file-in-2', 'file-out-1', 'file-out-2', 'file-unused'],
    ]);
    expect(files).toContainEqual({ fileId: 'file-unused', account: 'org-2' });
    for (const fileId of ['file-out-1', 'file-err-2'])
      expect(files).toContainEqual({ fileId, account: 'org-1' });
  });

  it('that a clean-up deletes are not the doubtful ones', () => {
    expect(filesOf(part).map(({ fileId }) => fileId)).not.toContain('file-err-2');
    expect(filesOf(part)).toHaveLength(5);
  });
});
