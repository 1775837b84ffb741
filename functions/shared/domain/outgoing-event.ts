import type {
  ApprovalOutcome,
  BatchStatusChange,
  CancelOutcome,
  DETAIL_TYPE,
  JobStalled,
  JobStatusChange,
} from '../contract/events.ts';

/** An event as Batchdrop sends it, without the fields that EventBridge adds. */
export type OutgoingEvent =
  | { detailType: typeof DETAIL_TYPE.batchStatusChange; detail: BatchStatusChange }
  | OutgoingJobEvent
  | { detailType: typeof DETAIL_TYPE.cancelOutcome; detail: CancelOutcome }
  | { detailType: typeof DETAIL_TYPE.approvalOutcome; detail: ApprovalOutcome }
  | { detailType: typeof DETAIL_TYPE.jobStalled; detail: JobStalled };

/** The event of a job's status change. */
export interface OutgoingJobEvent {
  detailType: typeof DETAIL_TYPE.jobStatusChange;
  detail: JobStatusChange;
}

/** An object in S3. */
export interface S3ObjectRef {
  bucket: string;
  key: string;
}

/** The objects that an event names, the request file first. */
export function objectsNamedIn({ data }: OutgoingEvent['detail']): S3ObjectRef[] {
  const { requestFile } = data;
  const objects: S3ObjectRef[] = requestFile ? [requestFile] : [];
  if ('request' in data && !requestFile && 'key' in data.request) objects.push(data.request);
  if ('report' in data) objects.push(data.report);
  if ('results' in data && data.results) {
    const { bucket, output, errors, summary } = data.results;
    objects.push(...[output, errors, summary].map((key) => ({ bucket, key })));
  }
  return objects;
}
