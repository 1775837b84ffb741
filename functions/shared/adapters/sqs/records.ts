import type { Log } from '../../ports/ports.ts';

/** What is needed of a record of a queue; `SQSRecord` of `aws-lambda` fits. */
interface QueueRecord {
  messageId: string;
  eventSourceARN: string;
}

/**
 * Handles each record by itself; the answer names those to come again. When all fail the invocation fails as a whole,
 * which comes to the same and shows. Throws also when a failed record has no id to name it by.
 */
export async function handleEachRecord<R extends QueueRecord>(
  event: { Records: R[] },
  handle: (record: R) => Promise<void>,
  log: Pick<Log, 'error'>,
): Promise<{ batchItemFailures: { itemIdentifier: string }[] }> {
  const failed: string[] = [];
  let nameless = 0;
  for (const record of event.Records) {
    try {
      await handle(record);
    } catch (error) {
      log.error('record_failed', { messageId: record.messageId, queue: record.eventSourceARN }, error);
      if (record.messageId) failed.push(record.messageId);
      else nameless += 1; // a null or empty id in the answer would fail every record
    }
  }
  if (nameless > 0) throw new Error(`${nameless} records without an id failed`);
  if (failed.length > 0 && failed.length === event.Records.length)
    throw new Error(`all ${failed.length} records failed`);
  return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
}
