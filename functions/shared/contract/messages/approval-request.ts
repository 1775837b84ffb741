import { isNamedJob, JOB_ID_RULE } from './cancel-request.ts';

/** Approves a job that is held: a message on the approval queue, as JSON. */
export interface ApprovalRequest {
  readonly jobId: string;
}

/** The request of a message that could be read. */
export interface ReadableApproval {
  readonly request: ApprovalRequest;
}

/** What is wrong with a message that could not be read, as a sentence. */
export interface UnreadableApproval {
  readonly problem: string;
}

const FORM = '{"jobId":"…"}';

/** Reads a message of the approval queue: returns the request, or a sentence that says what is wrong with it. */
export function parseApprovalRequest(body: string): ReadableApproval | UnreadableApproval {
  let message: unknown;
  try {
    message = JSON.parse(body);
  } catch {
    return { problem: `an approval message is JSON: ${FORM}` };
  }
  if (typeof message !== 'object' || message === null || Array.isArray(message))
    return { problem: `an approval message is a JSON object: ${FORM}` };
  if (!('jobId' in message) || Object.keys(message).length > 1)
    return { problem: `an approval message has exactly the form ${FORM}` };
  const { jobId } = message;
  return isNamedJob(jobId) ? { request: { jobId } } : { problem: JOB_ID_RULE };
}
