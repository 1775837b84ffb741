/**
 * The tag of the objects whose job has ended: the version of its request file, and what it left in the results bucket.
 * Batchdrop's lifecycle rules touch only objects that have it, so that nothing of an unfinished job expires (rule 7 of
 * "What an answer is worth", docs/architecture.md).
 */
export const ENDED_TAG = { key: 'batchdrop-job', value: 'ended' } as const;
