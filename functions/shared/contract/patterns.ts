import type { JobStatus, ReportedBatchStatus } from './batch-status.ts';
import {
  type ApprovalOutcomeKind,
  type CancelOutcomeKind,
  DETAIL_TYPE,
  EVENT_SOURCE,
  type StallCause,
} from './events.ts';

/**
 * A rule pattern in the form that `events.Rule` of the CDK takes.
 * @example { source: ['batchdrop'], detailType: ['OpenAI Batch Job Stalled'] }
 */
export interface CdkEventPattern {
  /** Always `batchdrop`. */
  readonly source: string[];
  /** The kind of event, one of `DETAIL_TYPE`. */
  readonly detailType: string[];
  /** Values by field name, under `data` or `metadata`. */
  readonly detail?: Record<string, Record<string, string[]>>;
}

/**
 * A rule pattern in the form of the EventBridge API and CloudFormation.
 * @example { source: ['batchdrop'], 'detail-type': ['OpenAI Batch Job Stalled'] }
 */
export interface JsonEventPattern {
  /** Always `batchdrop`. */
  readonly source: string[];
  /** The kind of event, one of `DETAIL_TYPE`. */
  readonly 'detail-type': string[];
  /** Values by field name, under `data` or `metadata`. */
  readonly detail?: Record<string, Record<string, string[]>>;
}

/**
 * Returns a pattern for status changes of batches; if statuses are named, only for those.
 * @example new Rule(stack, 'Failed', { eventBus: batchdrop.eventBus, eventPattern: batchStatusPattern('failed') });
 */
export function batchStatusPattern(...statuses: ReportedBatchStatus[]): CdkEventPattern {
  return patternFor(DETAIL_TYPE.batchStatusChange, 'status', statuses);
}

/**
 * Returns a pattern for status changes of jobs; if statuses are named, only for those.
 * @example new Rule(stack, 'Ended', { eventBus: batchdrop.eventBus, eventPattern: jobStatusPattern('completed', 'failed') });
 */
export function jobStatusPattern(...statuses: JobStatus[]): CdkEventPattern {
  return patternFor(DETAIL_TYPE.jobStatusChange, 'status', statuses);
}

/**
 * Returns a pattern for outcomes of cancel requests; if outcomes are named, only for those.
 * @example new Rule(stack, 'TooLate', { eventBus: batchdrop.eventBus, eventPattern: cancelOutcomePattern('too_late') });
 */
export function cancelOutcomePattern(...outcomes: CancelOutcomeKind[]): CdkEventPattern {
  return patternFor(DETAIL_TYPE.cancelOutcome, 'outcome', outcomes);
}

/**
 * Returns a pattern for outcomes of approvals; if kinds are named, only for those.
 * @example new Rule(stack, 'Approved', { eventBus: batchdrop.eventBus, eventPattern: approvalOutcomePattern('approved') });
 */
export function approvalOutcomePattern(...outcomes: ApprovalOutcomeKind[]): CdkEventPattern {
  return patternFor(DETAIL_TYPE.approvalOutcome, 'outcome', outcomes);
}

/**
 * Returns a pattern for jobs with a part that waits for a person; if causes are named, only for those.
 * @example new Rule(stack, 'Stalled', { eventBus: batchdrop.eventBus, eventPattern: jobStalledPattern() });
 */
export function jobStalledPattern(...causes: StallCause[]): CdkEventPattern {
  return patternFor(DETAIL_TYPE.jobStalled, 'cause', causes);
}

/**
 * Returns the pattern for the events of one Batchdrop only (`Batchdrop.instance`), if several publish on one bus.
 * @example const pattern = ofInstance(batchdrop.instance, jobStatusPattern('completed'));
 */
export function ofInstance(instance: string, pattern: CdkEventPattern): CdkEventPattern {
  return { ...pattern, detail: { ...pattern.detail, metadata: { instance: [instance] } } };
}

/**
 * Returns the pattern in the form of the API, for `PutRule`.
 * @example const forPutRule = JSON.stringify(asJsonPattern(jobStatusPattern('completed')));
 */
export function asJsonPattern(pattern: CdkEventPattern): JsonEventPattern {
  const { detailType, ...rest } = pattern;
  return { ...rest, 'detail-type': detailType };
}

function patternFor(detailType: string, field: string, values: string[]): CdkEventPattern {
  const all = { source: [EVENT_SOURCE], detailType: [detailType] };
  return values.length === 0 ? all : { ...all, detail: { data: { [field]: values } } };
}
