import type { Input } from '../protocol/input.ts';
import { batchTooLong, emptyBatch, entryIdsNotDistinct, invalidEntryId, tooManyEntries } from './errors.ts';
import { attributeBytes, parseMessageAttributes } from './message-attributes.ts';
import { MAX_MESSAGE_BYTES } from './queue.ts';

const MAX_ENTRIES = 10;
const ENTRY_ID = /^[A-Za-z0-9_-]{1,80}$/;

/** Returns the entries of a batch call. Throws for errors that concern the whole call. */
export function batchEntries(input: Input): Input[] {
  const entries = input.objects('Entries');
  if (entries.length === 0) throw emptyBatch();
  if (entries.length > MAX_ENTRIES) throw tooManyEntries(entries.length);
  const seen = new Set<string>();
  for (const entry of entries) {
    const id = entry.text('Id');
    if (!ENTRY_ID.test(id)) throw invalidEntryId();
    if (seen.has(id)) throw entryIdsNotDistinct(id);
    seen.add(id);
  }
  return entries;
}

/** Throws if the messages of a batch together exceed the size limit of one message. */
export function checkBatchSize(entries: readonly Input[]): void {
  let bytes = 0;
  for (const entry of entries) {
    bytes += Buffer.byteLength(entry.optionalText('MessageBody') ?? '');
    bytes += attributeBytes(parseMessageAttributes(entry.optionalObject('MessageAttributes')));
  }
  if (bytes > MAX_MESSAGE_BYTES) throw batchTooLong(bytes);
}
