import { parseApprovalRequest } from '../shared/contract/messages/approval-request.ts';
import { TerminalError } from '../shared/domain/errors.ts';
import { type AdvanceDeps, advanceJob } from '../shared/lifecycle/advance.ts';
import { recordApproval } from './record-approval.ts';

/** A message of the approval queue. */
interface ApprovalMessage {
  id: string;
  body: string;
}

/**
 * Handles one message of the approval queue: records the approval and sends the parts of a job that was held. Errors:
 * TerminalError `unreadable_message`, so that the queue keeps the message; RetryableError.
 */
export function createHandler(deps: AdvanceDeps): (message: ApprovalMessage) => Promise<void> {
  return async ({ id, body }) => {
    const parsed = parseApprovalRequest(body);
    if ('problem' in parsed)
      throw new TerminalError('unreadable_message', `approve ${id}: ${parsed.problem}`);
    const approved = await recordApproval(deps, parsed.request.jobId);
    if (approved) await advanceJob(deps, approved, {});
  };
}
