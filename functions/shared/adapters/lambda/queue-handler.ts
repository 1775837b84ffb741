import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import type { Log } from '../../ports/ports.ts';
import { handleEachRecord } from '../sqs/records.ts';
import type { EmfMetrics } from './emf-metrics.ts';

/** The handler of a function that a queue feeds. It reports the records that failed and writes metrics once per invocation. */
export function createQueueHandler(
  { log, metrics }: { log: Log; metrics: EmfMetrics },
  handle: (record: SQSRecord, context: Context) => Promise<void>,
): (event: SQSEvent, context: Context) => Promise<SQSBatchResponse> {
  return (event, context) =>
    metrics.during(() => handleEachRecord(event, (record) => handle(record, context), log));
}
