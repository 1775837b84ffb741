import type { ObservedBatch, Part } from '../../domain/part.ts';
import type { FileAtApi, Intent } from '../../domain/spending/intents.ts';
import type { WholePart } from '../../domain/spending/past-attempts.ts';
import { fileAtApi } from '../openai-account.ts';

interface Attempt {
  intent?: Intent;
  batch?: ObservedBatch;
}

type Earlier = Pick<Part, 'ran' | 'unusedFiles' | 'doubtfulFiles'>;

/** Returns every file at the API that a part may have uploaded or its batches may have made, also the doubtful ones. */
export function everyFileOf(part: WholePart): FileAtApi[] {
  const doubtful = (part.doubtfulFiles ?? []).map(({ fileId }) => ({ fileId }));
  // An attempt also knows the account of its file.
  return distinct([...doubtful, ...earlierFiles(part), ...inputsOf(part), ...resultsOf(part)]);
}

/**
 * Returns the part's files that may exist at the API and are no longer needed. The files of abandoned intents are
 * already deleted.
 */
export function filesOf(part: Part): FileAtApi[] {
  const isRead = part.phase === 'delivered';
  return filesOfEarlier(part, [...inputsOf(part), ...(isRead ? resultsOf(part) : [])]);
}

/** Returns the files of earlier attempts and the given others, without the doubtful ones. */
export function filesOfEarlier(earlier: Earlier, others: FileAtApi[] = []): FileAtApi[] {
  const doubtful = new Set((earlier.doubtfulFiles ?? []).map(({ fileId }) => fileId));
  return distinct([...earlierFiles(earlier), ...others]).filter(({ fileId }) => !doubtful.has(fileId));
}

function earlierFiles({ ran, unusedFiles = [] }: Earlier): FileAtApi[] {
  return [...ran.flatMap((earlier) => [...inputsOf(earlier), ...resultsOf(earlier)]), ...unusedFiles];
}

/** Of two with the same id, the last one has its place. */
function distinct(files: readonly FileAtApi[]): FileAtApi[] {
  return [...new Map(files.map((file) => [file.fileId, file])).values()];
}

function inputsOf({ intent, batch }: Attempt): FileAtApi[] {
  return filesWith([intent?.fileId, batch?.inputFileId], intent);
}

function resultsOf({ intent, batch }: Attempt): FileAtApi[] {
  return filesWith([batch?.outputFileId, batch?.errorFileId], intent);
}

function filesWith(fileIds: (string | undefined)[], intent: Intent | undefined): FileAtApi[] {
  return fileIds.flatMap((fileId) => (fileId === undefined ? [] : [fileAtApi(fileId, intent?.account)]));
}
