import type {
  JobCost,
  Reason,
  RequestFileRef,
  RowCounts,
  TokenUsage,
  WaitingFor,
} from '../contract/events.ts';
import type { Job, LastCancel, StatusChange } from './job.ts';
import { without } from './without.ts';

/** The fields of a job that a list shows. They change when a status is set or published, and with a cancel request. */
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
  reason?: Reason;
}

/** Returns the summary of the job. */
export function summaryOf(job: Job): JobSummary {
  const { jobId, status, request, createdAt, changedAt, history, lastCancel, expiresAt } = job;
  const { plan, waiting, rows, usage, cost, findings, joinedJobId, reason } = job;
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
    ...(waiting && { waitingFor: waiting.for }),
    ...(rows && { rows }),
    ...(usage && { usage }),
    ...(cost && { cost: without(cost, 'models') }),
    ...(findings && { findings: findings.count }),
    ...(joinedJobId !== undefined && { joinedJobId }),
    ...(reason && { reason }),
  };
}
