import type { JobStatus, ReportedBatchStatus } from './batch-status.ts';
import {
  type ApprovalOutcomeKind,
  type CancelOutcomeKind,
  DETAIL_TYPE,
  EVENT_SOURCE,
  type StallCause,
} from './events.ts';

/** A rule pattern in the form that `events.Rule` of the CDK takes. */
export interface CdkEventPattern {
  readonly source: string[];
  readonly detailType: string[];
  /** Values by field name, under `data` or `metadata`. */
  readonly detail?: Record<string, Record<string, string[]>>;
}

/** A rule pattern in the form of the EventBridge API and CloudFormation. */
export interface JsonEventPattern {
  readonly source: string[];
  readonly 'detail-type': string[];
  /** Values by field name, under `data` or `metadata`. */
  readonly detail?: Record<string, Record<string, string[]>>;
}

/** Returns a pattern for status changes of batches; if statuses are named, only for those. */
export function batchStatusPattern(...statuses: ReportedBatchStatus[]): CdkEventPattern {
  return patternFor(DETAIL_TYPE.batchStatusChange, 'status', statuses);
}

/** Returns a pattern for status changes of jobs; if statuses are named, only for those. */
export function jobStatusPattern(...statuses: JobStatus[]): CdkEventPattern {
  return patternFor(DETAIL_TYPE.jobStatusChange, 'status', statuses);
}

/** Returns a pattern for outcomes of cancel requests; if outcomes are named, only for those. */
export function cancelOutcomePattern(...outcomes: CancelOutcomeKind[]): CdkEventPattern {
  return patternFor(DETAIL_TYPE.cancelOutcome, 'outcome', outcomes);
}

/** Returns a pattern for outcomes of approvals; if kinds are named, only for those. */
export function approvalOutcomePattern(...outcomes: ApprovalOutcomeKind[]): CdkEventPattern {
  return patternFor(DETAIL_TYPE.approvalOutcome, 'outcome', outcomes);
}

/** Returns a pattern for jobs with a part that waits for a person; if causes are named, only for those. */
export function jobStalledPattern(...causes: StallCause[]): CdkEventPattern {
  return patternFor(DETAIL_TYPE.jobStalled, 'cause', causes);
}

/** Returns the pattern for the events of one Batchdrop only (`Batchdrop.instance`), if several publish on one bus. */
export function ofInstance(instance: string, pattern: CdkEventPattern): CdkEventPattern {
  return { ...pattern, detail: { ...pattern.detail, metadata: { instance: [instance] } } };
}

/** Returns the pattern in the form of the API, for `PutRule`. */
export function asJsonPattern(pattern: CdkEventPattern): JsonEventPattern {
  const { detailType, ...rest } = pattern;
  return { ...rest, 'detail-type': detailType };
}

function patternFor(detailType: string, field: string, values: string[]): CdkEventPattern {
  const all = { source: [EVENT_SOURCE], detailType: [detailType] };
  return values.length === 0 ? all : { ...all, detail: { data: { [field]: values } } };
}
