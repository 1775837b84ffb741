import { isNamedJob, JOB_ID_RULE } from './cancel-request.ts';

/**
 * Approves a job that is held: a message on the approval queue, as JSON.
 * @example { jobId: 'vtnvjcbb' }
 */
export interface ApprovalRequest {
  /** The job to approve. */
  readonly jobId: string;
}

/**
 * The request of a message that could be read.
 * @example { request: { jobId: 'vtnvjcbb' } }
 */
export interface ReadableApproval {
  /** What the message asks for. */
  readonly request: ApprovalRequest;
}

/**
 * What is wrong with a message that could not be read, as a sentence.
 * @example { problem: 'an approval message has exactly the form {"jobId":"…"}' }
 */
export interface UnreadableApproval {
  /** The problem in a sentence, for people. */
  readonly problem: string;
}

const FORM = '{"jobId":"…"}';

/**
 * Reads a message of the approval queue: returns the request, or a sentence that says what is wrong with it.
 * @example
 * const parsed = parseApprovalRequest('{"jobId":"vtnvjcbb"}');
 * if ('problem' in parsed) throw new Error(parsed.problem);
 * console.log(parsed.request.jobId);
 */
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
