import { jobIdIn } from '../../domain/work-message.ts';
import type { Log } from '../../ports/ports.ts';

/** The fields of an SQS record that are needed; `SQSRecord` of `aws-lambda` has them. */
interface QueueRecord {
  messageId: string;
  eventSourceARN: string;
  body: string;
}

/**
 * Handles all records at the same time, so that none waits for a call of another that hangs. Returns the failed ones
 * for SQS to redeliver. Errors: an Error if all records fail, so that the invocation shows as failed, or if a failed
 * record has no id.
 */
export async function handleEachRecord<R extends QueueRecord>(
  event: { Records: R[] },
  handle: (record: R) => Promise<void>,
  log: Pick<Log, 'error'>,
): Promise<{ batchItemFailures: { itemIdentifier: string }[] }> {
  const failed: string[] = [];
  let nameless = 0;
  const handled = await Promise.allSettled(event.Records.map(async (record) => handle(record)));
  for (const [index, record] of event.Records.entries()) {
    const result = handled[index];
    if (result?.status !== 'rejected') continue;
    const { messageId, eventSourceARN: queue } = record;
    log.error('record_failed', { messageId, queue, jobId: jobIdIn(record.body) }, result.reason);
    if (record.messageId) failed.push(record.messageId);
    else nameless += 1; // for a null or empty id in the response, SQS would redeliver every record
  }
  if (nameless > 0) throw new Error(`${nameless} records without an id failed`);
  if (failed.length > 0 && failed.length === event.Records.length)
    throw new Error(`all ${failed.length} records failed`);
  return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
}
