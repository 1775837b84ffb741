import type { JobStatus, ReportedBatchStatus } from './batch-status.ts';
import {
  type ApprovalOutcomeKind,
  type CancelOutcomeKind,
  DETAIL_TYPE,
  EVENT_SOURCE,
  type StallCause,
} from './events.ts';

/** A rule pattern as `events.Rule` of the CDK spells it. */
export interface CdkEventPattern {
  readonly source: string[];
  readonly detailType: string[];
  /** Values by the name of their field, by `data` or `metadata`. */
  readonly detail?: Record<string, Record<string, string[]>>;
}

/** A rule pattern as the EventBridge API and CloudFormation spell it. */
export interface JsonEventPattern {
  readonly source: string[];
  readonly 'detail-type': string[];
  /** Values by the name of their field, by `data` or `metadata`. */
  readonly detail?: Record<string, Record<string, string[]>>;
}

/** Matches status changes of batches, of the named statuses only if any are named. */
export function batchStatusPattern(...statuses: ReportedBatchStatus[]): CdkEventPattern {
  return patternFor(DETAIL_TYPE.batchStatusChange, 'status', statuses);
}

/** Matches status changes of jobs, of the named statuses only if any are named. */
export function jobStatusPattern(...statuses: JobStatus[]): CdkEventPattern {
  return patternFor(DETAIL_TYPE.jobStatusChange, 'status', statuses);
}

/** Matches outcomes of cancel requests, of the named kinds only if any are named. */
export function cancelOutcomePattern(...outcomes: CancelOutcomeKind[]): CdkEventPattern {
  return patternFor(DETAIL_TYPE.cancelOutcome, 'outcome', outcomes);
}

/** Matches outcomes of approvals, of the named kinds only if any are named. */
export function approvalOutcomePattern(...outcomes: ApprovalOutcomeKind[]): CdkEventPattern {
  return patternFor(DETAIL_TYPE.approvalOutcome, 'outcome', outcomes);
}

/** Matches jobs of which a part waits for a person, for the named causes only if any are named. */
export function jobStalledPattern(...causes: StallCause[]): CdkEventPattern {
  return patternFor(DETAIL_TYPE.jobStalled, 'cause', causes);
}

/** The same pattern for the events of one Batchdrop only, where several publish on one bus: `Batchdrop.instance`. */
export function ofInstance(instance: string, pattern: CdkEventPattern): CdkEventPattern {
  return { ...pattern, detail: { ...pattern.detail, metadata: { instance: [instance] } } };
}

/** The same pattern in the API's spelling, for `PutRule`. */
export function asJsonPattern(pattern: CdkEventPattern): JsonEventPattern {
  const { detailType, ...rest } = pattern;
  return { ...rest, 'detail-type': detailType };
}

function patternFor(detailType: string, field: string, values: string[]): CdkEventPattern {
  const all = { source: [EVENT_SOURCE], detailType: [detailType] };
  return values.length === 0 ? all : { ...all, detail: { data: { [field]: values } } };
}
