/**
 * Limits what a part's item stores about earlier attempts: a part that runs in slices has one attempt per slice, and a
 * ledger item can hold 400 KB. When a part has the batches of `MAX_RAN` earlier attempts, or as many other ids as
 * `MAX_IDS`, they move to an item of their own, a page. A page never changes once it is written.
 *
 * Steps do not need the pages. They are read only to show an ended job and to clean it up.
 */
import type { Part, RanBatch } from '../part.ts';
import type { DoubtfulFile } from '../part-results.ts';
import { without } from '../without.ts';
import type { FileAtApi } from './intents.ts';

/** How many earlier attempts a part keeps in its item. Each takes about one kilobyte, or six with the longest ids. */
const MAX_RAN = 10;
/** How many ids of each other kind a part keeps in its item. The longest ids have a thousand characters. */
const MAX_IDS = 40;

/** One page: the fields of the part that moved to it. */
export interface PastAttempts {
  jobId: string;
  planId: string;
  /** The part's number. */
  number: number;
  /** From 1. */
  page: number;
  version: number;
  ran: RanBatch[];
  earlierBatchIds: string[];
  secondBatchIds: string[];
  doubtfulFiles: DoubtfulFile[];
  unusedFiles: FileAtApi[];
  /** Files known to be deleted. */
  deletedFiles?: string[];
  /** The expiry time of the job. Absent until the job has ended and is cleaned up. */
  expiresAt?: number;
}

/** A part with all its attempts, for reading. `stored`: the part as the ledger has it. */
export type WholePart<P extends Part = Part> = P & { readonly stored: P };

/** Returns the next page to write; undefined while the part's item is small. */
export function nextPage(part: Part): PastAttempts | undefined {
  const { jobId, planId, number, ran, earlierBatchIds, secondBatchIds, openSecondBatches = [] } = part;
  const { doubtfulFiles = [], unusedFiles = [] } = part;
  const others = Math.max(
    earlierBatchIds.length,
    secondBatchIds.length,
    doubtfulFiles.length,
    unusedFiles.length,
  );
  if (ran.length < MAX_RAN && others < MAX_IDS) return undefined;
  const open = new Set(openSecondBatches.map(({ batchId }) => batchId));
  return {
    ...{ jobId, planId, number, page: (part.pastPages ?? 0) + 1, version: 1 },
    ...{ ran, earlierBatchIds, doubtfulFiles, unusedFiles },
    secondBatchIds: secondBatchIds.filter((batchId) => !open.has(batchId)),
  };
}

/** Returns the part without the fields that are on the page. Undefined if the page is not the part's next one. */
export function withoutPage(part: Part, { page, ...past }: PastAttempts): Part | undefined {
  if (page !== (part.pastPages ?? 0) + 1) return undefined;
  const { doubtfulFiles = [], unusedFiles = [] } = part;
  const doubtfulLeft = doubtfulFiles.filter((file) => !past.doubtfulFiles.some(isSameFile(file)));
  const unusedLeft = unusedFiles.filter((file) => !past.unusedFiles.some(isSameFile(file)));
  const batchIds = new Set(past.ran.map(({ batch }) => batch.batchId));
  return {
    ...without(part, 'doubtfulFiles', 'unusedFiles'),
    pastPages: page,
    ran: part.ran.filter(({ batch }) => !batchIds.has(batch.batchId)),
    earlierBatchIds: part.earlierBatchIds.filter((id) => !past.earlierBatchIds.includes(id)),
    secondBatchIds: part.secondBatchIds.filter((id) => !past.secondBatchIds.includes(id)),
    ...(doubtfulLeft.length > 0 ? { doubtfulFiles: doubtfulLeft } : {}),
    ...(unusedLeft.length > 0 ? { unusedFiles: unusedLeft } : {}),
  };
}

/** Returns the part with the attempts on its pages, oldest first. */
export function wholePart<P extends Part>(part: P, pages: readonly PastAttempts[]): WholePart<P> {
  const all = [...pages, { doubtfulFiles: [], unusedFiles: [], ...part }];
  const attempts: Pick<Part, 'ran' | 'earlierBatchIds' | 'secondBatchIds' | 'doubtfulFiles' | 'unusedFiles'> =
    {
      ran: all.flatMap(({ ran }) => ran),
      earlierBatchIds: all.flatMap(({ earlierBatchIds }) => earlierBatchIds),
      secondBatchIds: [...new Set(all.flatMap(({ secondBatchIds }) => secondBatchIds))],
      doubtfulFiles: all.flatMap(({ doubtfulFiles }) => doubtfulFiles),
      unusedFiles: all.flatMap(({ unusedFiles }) => unusedFiles),
    };
  return Object.assign({ ...part }, attempts, { stored: part });
}

function isSameFile({ fileId }: { fileId: string }) {
  return (other: { fileId: string }) => other.fileId === fileId;
}
