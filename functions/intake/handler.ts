import { TerminalError } from '../shared/domain/errors.ts';
import { type AdvanceDeps, advanceJob } from '../shared/lifecycle/advance.ts';
import { type JobInHand, takeJob } from '../shared/lifecycle/compare-and-set.ts';
import type { Deadline } from '../shared/ports/ports.ts';
import { type IntakeDeps, intakeJob } from './intake-job.ts';
import { parseIntakeMessage } from './intake-message.ts';
import { registerJob } from './register-job.ts';

export type Deps = IntakeDeps & AdvanceDeps & { requestBucket: string };

/**
 * Handles one message of the intake queue: S3's "Object Created" event from EventBridge, or a job to resume. Errors:
 * TerminalError for an invalid message, and for every message if requests and results share a bucket (synth cannot
 * detect this while the names are tokens); RetryableError. The queue redelivers a failed message.
 */
export function createHandler(deps: Deps): (body: string, deadline: Deadline) => Promise<void> {
  return async (body, deadline) => {
    if (deps.requestBucket === deps.resultsBucket)
      throw new TerminalError(
        'same_bucket',
        'intake: requests and results are in the same bucket; use two buckets',
      );
    const message = parseIntakeMessage(body, deps.requestBucket);
    const inHand = 'jobId' in message ? await takeJob(deps, message.jobId) : await registerJob(deps, message);
    if (!inHand) return;
    const intake = async (job: JobInHand) => {
      await intakeJob(deps, job, deadline);
      return true;
    };
    await advanceJob(deps, inHand, { intake });
  };
}
