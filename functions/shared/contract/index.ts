/** What is published as `batchdrop/events`: all that a subscriber, or a sender of cancel requests, needs to know. */
export {
  BATCH_STATUSES,
  type BatchStatus,
  hasEnded,
  JOB_STATUSES,
  type JobStatus,
  type ReportedBatchStatus,
} from './batch-status.ts';
export { type CancelRequest, parseCancelRequest } from './cancel-request.ts';
export {
  type BatchdropEvent,
  type BatchError,
  type BatchStatusChange,
  type BatchStatusChangeData,
  type CancelOutcome,
  type CancelOutcomeKind,
  DETAIL_TYPE,
  EVENT_SOURCE,
  EVENT_VERSION,
  type EventMetadata,
  type Excerpt,
  type Finding,
  type JobAccepted,
  type JobEnded,
  type JobJoined,
  type JobRejected,
  type JobStatusChange,
  type JobSubmitted,
  LISTED_AT_MOST,
  type Reason,
  type RequestCounts,
  type RequestFileRef,
  type RowCounts,
  type TokenUsage,
} from './events.ts';
export {
  batchStatusExamples,
  cancelOutcomeExamples,
  type ExampleEvent,
  jobStatusExamples,
} from './examples.ts';
export {
  asJsonPattern,
  batchStatusPattern,
  type CdkEventPattern,
  cancelOutcomePattern,
  type JsonEventPattern,
  jobStatusPattern,
} from './patterns.ts';
export {
  ENDPOINTS,
  type Endpoint,
  FILE_LIMITS,
  INSTRUCTION_PREFIX,
  METADATA_LIMITS,
  METADATA_PREFIX,
  PART_LIMITS,
  REQUEST_FILE_SUFFIXES,
  RERUN_INSTRUCTION,
} from './request-file.ts';
export {
  batchStatusChangeSchema,
  cancelOutcomeSchema,
  cancelRequestSchema,
  type JsonSchema,
  jobStatusChangeSchema,
} from './schemas.ts';
