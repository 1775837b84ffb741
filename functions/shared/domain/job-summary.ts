import type {
  JobCost,
  JobEstimate,
  Reason,
  RequestFileRef,
  RowCounts,
  TokenUsage,
  WaitingFor,
} from '../contract/events.ts';
import { type Hold, type Job, type LastCancel, retriedJob, type StatusChange } from './job.ts';
import { without } from './without.ts';

/**
 * The fields of a job that a list shows. They change when a status is set or published, and with a cancel request or an
 * approval.
 */
export interface JobSummary {
  jobId: string;
  status: Job['status'];
  /** `size` in bytes. */
  requestFile: RequestFileRef & { size: number };
  /** Milliseconds. */
  createdAt: number;
  /** Milliseconds: the last change of status. */
  changedAt: number;
  history: StatusChange[];
  lastCancel?: LastCancel;
  /** The event of the last change of status is on the bus. */
  published: boolean;
  /** Milliseconds. The job may be removed after this time. Absent until the job has ended. */
  expiresAt?: number;
  plannedRows?: number;
  plannedParts?: number;
  /** What was expected, before anything was sent: money as decimal numbers. */
  estimate?: Pick<JobEstimate, 'currency' | 'cost'>;
  /** What the job's parts waited for when the job was accepted. */
  waitingFor?: WaitingFor;
  /** By outcome, once the job has ended. */
  rows?: RowCounts;
  usage?: TokenUsage;
  /** Money as decimal numbers; the models are in the job. */
  cost?: Omit<JobCost, 'models'>;
  /** How many findings a rejected file has. */
  findings?: number;
  joinedJobId?: string;
  /** The job whose rows this one runs again. */
  retryOf?: string;
  reason?: Reason;
  /** Of a job that is held. `until` in milliseconds. */
  hold?: Hold;
  /** When somebody approved the job, in milliseconds. */
  approvedAt?: number;
}

/** Returns the summary of the job. */
export function summaryOf(job: Job): JobSummary {
  const { jobId, status, request, createdAt, changedAt, history, lastCancel, expiresAt } = job;
  const retryOf = retriedJob(job);
  const { plan, waiting, rows, usage, cost, findings, joinedJobId, reason, hold, approvedAt } = job;
  const { bucket, key, versionId, size } = request;
  return {
    jobId,
    status,
    requestFile: { bucket, key, versionId, size },
    createdAt,
    changedAt,
    history,
    ...(lastCancel && { lastCancel }),
    published: job.publishedRev >= job.rev,
    ...(expiresAt !== undefined && { expiresAt }),
    ...(plan && { plannedRows: plan.rows, plannedParts: plan.parts }),
    ...(plan?.estimate && { estimate: estimateOf(plan.estimate) }),
    ...(waiting && { waitingFor: waiting.for }),
    ...(rows && { rows }),
    ...(usage && { usage }),
    ...(cost && { cost: without(cost, 'models') }),
    ...(findings && { findings: findings.count }),
    ...(joinedJobId !== undefined && { joinedJobId }),
    ...(retryOf !== undefined && { retryOf }),
    ...(reason && { reason }),
    ...(hold && { hold }),
    ...(approvedAt !== undefined && { approvedAt }),
  };
}

/** The index keeps no more: it is read for each list. */
function estimateOf({ currency, cost }: JobEstimate): Pick<JobEstimate, 'currency' | 'cost'> {
  return { currency, cost };
}
