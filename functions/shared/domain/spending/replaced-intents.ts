/**
 * Rule 1 of "What an answer is worth" (docs/architecture.md): an intent whose create was sent is kept, whatever the API
 * answered. The answer may be wrong, or the network may have duplicated the request. If the part then needs another
 * file, or another intent for the same file, the old intent moves to this list. The last search for second batches
 * (`second-batch-search.ts`) covers it.
 *
 * Known gap: if the creates or batches of a part were refused more often than `MAX_REPLACED` times, only the newest
 * intents are kept.
 */
import type { Part } from '../part.ts';
import type { FileAtApi, ReplacedIntent, UploadedIntent } from './intents.ts';

/** How many replaced intents a part keeps. They take a few kilobytes of its item. */
export const MAX_REPLACED = 20;

/** The fields of a part that keep intents and files it no longer uses. */
type Kept = Pick<Part, 'unusedFiles' | 'replacedIntents'>;

/** Returns the part's fields after it drops this intent and its file. `batchId`: the intent's batch, if known. */
export function withoutFileOf(part: Part, intent: UploadedIntent, batchId?: string): Kept {
  return { ...replacing(part, intent, batchId), unusedFiles: [...(part.unusedFiles ?? []), fileOf(intent)] };
}

/** Returns the part's fields after it drops this intent. `batchId`: the intent's batch, if known. */
export function replacing(part: Part, intent: UploadedIntent, batchId?: string): Kept {
  const { id, at, uploadedAt, answeredAt } = intent;
  const sentUntil = sentUntilOf(intent);
  if (sentUntil === undefined) return {};
  const replaced: ReplacedIntent = {
    ...fileOf(intent),
    intentId: id,
    at,
    sentUntil,
    ...(uploadedAt === undefined ? {} : { uploadedAt }),
    ...(answeredAt === undefined ? {} : { answeredAt }),
    ...(batchId === undefined ? {} : { batchId, ...endOf(part, batchId) }),
  };
  return { replacedIntents: [...(part.replacedIntents ?? []), replaced].slice(-MAX_REPLACED) };
}

/** Returns the last time at which a create of the intent may have been sent; undefined if none was sent. */
export function sentUntilOf({
  sendBy,
  refusedAt,
}: Pick<UploadedIntent, 'sendBy' | 'refusedAt'>): number | undefined {
  return sendBy === undefined && refusedAt === undefined ? undefined : Math.max(sendBy ?? 0, refusedAt ?? 0);
}

function endOf({ batch }: Part, batchId: string): Pick<ReplacedIntent, 'endedAt'> {
  return batch?.batchId === batchId && batch.endedAt !== undefined ? { endedAt: batch.endedAt } : {};
}

function fileOf({ fileId, account }: UploadedIntent): FileAtApi {
  return { fileId, ...(account === undefined ? {} : { account }) };
}
