/**
 * Rule 1 of "What an answer is worth" (docs/architecture.md): an intent whose create was ever sent stays known, whatever
 * the API answered. The answer may be wrong, or the request may have been duplicated on its way. The part may need another
 * file, or another intent for the same file: then the old intent is kept here, and the last search for second batches
 * (`second-batch-search.ts`) covers it.
 *
 * Known gap: of a part whose creates or batches were refused more often, only the newest `MAX_REPLACED` are kept.
 */
import type { Part } from '../part.ts';
import type { FileAtApi, ReplacedIntent, UploadedIntent } from './intents.ts';

/** How many replaced intents a part keeps: a few kilobytes in its item. */
export const MAX_REPLACED = 20;

/** The fields of a part that keep what it no longer uses. */
type Kept = Pick<Part, 'unusedFiles' | 'replacedIntents'>;

/** Returns the fields of the part without this intent and its file. `batchId`: of its batch, if one is known. */
export function withoutFileOf(part: Part, intent: UploadedIntent, batchId?: string): Kept {
  return { ...replacing(part, intent, batchId), unusedFiles: [...(part.unusedFiles ?? []), fileOf(intent)] };
}

/** Returns the fields of the part without this intent. `batchId`: of its batch, if one is known. */
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
    ...(batchId === undefined ? {} : { batchId }),
  };
  return { replacedIntents: [...(part.replacedIntents ?? []), replaced].slice(-MAX_REPLACED) };
}

/** Returns until when a create of the intent may have been sent; undefined: none was. */
export function sentUntilOf({
  sendBy,
  refusedAt,
}: Pick<UploadedIntent, 'sendBy' | 'refusedAt'>): number | undefined {
  return sendBy === undefined && refusedAt === undefined ? undefined : Math.max(sendBy ?? 0, refusedAt ?? 0);
}

function fileOf({ fileId, account }: UploadedIntent): FileAtApi {
  return { fileId, ...(account === undefined ? {} : { account }) };
}
