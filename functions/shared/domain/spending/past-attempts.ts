/**
 * What a part keeps of its earlier attempts is bounded: a part that runs in slices of rows has as many attempts as
 * slices, and an item of the ledger holds 400 KB. When a part has the batches of `MAX_RAN` earlier attempts, or other ids
 * as many, they move to an item of their own, a page. A page's number and batches never change once it is written.
 *
 * The part works without its pages: they are read to show a job that has ended, and to clean it up.
 */
import type { Part, RanBatch } from '../part.ts';
import type { DoubtfulFile } from '../part-results.ts';
import { without } from '../without.ts';
import type { FileAtApi } from './intents.ts';

/** How many earlier attempts a part keeps in its item: each takes about a kilobyte, or six if ids are of the longest. */
const MAX_RAN = 10;
/** How many ids of any other kind; the longest have a thousand characters. */
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
  /** As that of the job; absent until the job has ended and is cleaned up. */
  expiresAt?: number;
}

/** A part with all its attempts, for reading. `stored`: its item in the ledger. */
export type WholePart<P extends Part = Part> = P & { readonly stored: P };

/** Returns the part's next page; undefined while its item is small. */
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

/** Returns the part without what is on the page; undefined when it is not the part's next one. */
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
