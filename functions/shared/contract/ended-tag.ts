/**
 * The tag of objects whose job has ended: the version of its request file, and its objects in the results bucket.
 * Batchdrop's lifecycle rules apply only to objects with this tag, so that nothing of an unfinished job expires (rule 7
 * of "What an answer is worth", docs/architecture.md).
 */
export const ENDED_TAG = { key: 'batchdrop-job', value: 'ended' } as const;
