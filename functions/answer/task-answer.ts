/**
 * What a task of Step Functions is told about the end of a job. A completed job gives the task its output: the published
 * event of its end. Any other end fails the task, by the name of the status; the cause is JSON with the same facts.
 */
import type { JobStatusChange, JobStatusChangeData } from '../shared/contract/events.ts';
import { TASK_ERRORS, TASK_LIMITS, type TaskErrorName } from '../shared/contract/messages/start-request.ts';

/** The answer to a task. `output` and `cause` are JSON. */
export type TaskAnswer = { output: string } | { error: TaskErrorName; cause: string };

/** What the cause of a failure says. */
interface Cause {
  jobId: string;
  status: string;
  message: string;
  [fact: string]: unknown;
}

const MAX_MESSAGE = 1_000;

/** Returns what a task is told. The event must be that of the last status of a job that did not join another one. */
export function taskAnswer(event: JobStatusChange): TaskAnswer {
  const { data } = event;
  switch (data.status) {
    case 'completed':
      return { output: JSON.stringify(event) };
    case 'rejected':
    case 'failed':
    case 'expired':
    case 'cancelled':
      return { error: TASK_ERRORS[data.status], cause: shortened(causeOf(event, data)) };
    default:
      throw new Error(`job ${event.metadata.jobId}: ${data.status} is not the end of a run`);
  }
}

function causeOf({ metadata }: JobStatusChange, data: JobStatusChangeData): Cause {
  const { requestFile, metadata: tags } = data;
  return {
    jobId: metadata.jobId,
    status: data.status,
    message: messageOf(data).slice(0, MAX_MESSAGE),
    requestFile,
    metadata: tags,
    ...('reason' in data ? { reason: data.reason } : {}),
    ...('rows' in data ? { rows: data.rows } : {}),
    ...('results' in data ? { results: data.results } : {}),
    ...('report' in data ? { report: data.report } : {}),
    ...('findings' in data ? { findings: data.findings } : {}),
  };
}

function messageOf(data: JobStatusChangeData): string {
  if (data.status === 'rejected') {
    const { count, first } = data.findings;
    const [finding] = first;
    const at = typeof finding?.line === 'number' ? `line ${finding.line}: ` : '';
    return `the file was rejected before anything was sent: ${count} finding(s), the first: ${at}${finding?.message ?? 'none'}`;
  }
  if (data.status === 'expired')
    return `${data.rows.expired} of ${data.rows.total} rows expired in their last attempt`;
  return 'reason' in data && data.reason ? data.reason.message : `the job is ${data.status}`;
}

/**
 * Returns the cause as JSON within the limit of Step Functions. What is left out first: all findings but one, then the tags of
 * the file, then what is left of findings and reason.
 */
function shortened(cause: Cause): string {
  const facts: Cause = { ...cause };
  const { findings } = Object(facts);
  for (let kept = findings?.first.length ?? 0; kept > 1 && !fits(facts); kept -= 1)
    facts.findings = { ...findings, first: findings.first.slice(0, kept - 1) };
  for (const fact of ['metadata', 'findings', 'reason']) if (!fits(facts)) delete facts[fact];
  return JSON.stringify(facts);
}

/** Bytes are never fewer than characters. */
function fits(facts: object): boolean {
  return Buffer.byteLength(JSON.stringify(facts)) <= TASK_LIMITS.causeLength;
}
