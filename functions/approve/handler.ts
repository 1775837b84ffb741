import { parseApprovalRequest } from '../shared/contract/messages/approval-request.ts';
import { TerminalError } from '../shared/domain/errors.ts';
import { type AdvanceDeps, advanceJob } from '../shared/lifecycle/advance.ts';
import { publishOrRetry } from '../shared/lifecycle/publish.ts';
import { approvalOutcome, recordApproval } from './record-approval.ts';

/** A message of the approval queue. */
interface ApprovalMessage {
  id: string;
  body: string;
  /** When it was sent, in milliseconds. */
  sentAt: number;
}

/**
 * Handles one message of the approval queue: records the approval and sends the parts of a job that was held. Errors:
 * TerminalError `unreadable_message`, so that the queue keeps the message; RetryableError.
 */
export function createHandler(deps: AdvanceDeps): (message: ApprovalMessage) => Promise<void> {
  return async (message) => {
    const { id, body } = message;
    const parsed = parseApprovalRequest(body);
    if ('problem' in parsed)
      throw new TerminalError('unreadable_message', `approve ${id}: ${parsed.problem}`);
    const recorded = await recordApproval(deps, parsed.request.jobId);
    await publishOrRetry(deps, approvalOutcome(parsed.request, recorded, message, deps.instance));
    if (recorded.job && recorded.outcome === 'approved') await advanceJob(deps, recorded.job, {});
  };
}
