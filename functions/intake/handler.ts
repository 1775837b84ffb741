import { TerminalError } from '../shared/domain/errors.ts';
import { type AdvanceDeps, advanceJob } from '../shared/lifecycle/advance.ts';
import { type JobInHand, takeJob } from '../shared/lifecycle/compare-and-set.ts';
import type { Deadline } from '../shared/ports/ports.ts';
import { type IntakeDeps, intakeJob } from './intake-job.ts';
import { type Arrival, registerJob } from './register-job.ts';

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

/** Parses a message of the intake queue. Errors: TerminalError `unreadable_message`, `foreign_bucket`. */
function parseIntakeMessage(body: string, requestBucket: string): Arrival | { jobId: string } {
  const message = fields(parseJson(body));
  if (typeof message.jobId === 'string') return { jobId: message.jobId };
  const detail = fields(message.detail);
  const { name: bucket } = fields(detail.bucket);
  const { key, etag, sequencer, 'version-id': versionId } = fields(detail.object);
  if (typeof bucket !== 'string' || typeof key !== 'string') {
    throw new TerminalError(
      'unreadable_message',
      'intake: the message is neither an S3 event from EventBridge nor {"jobId":"…"}',
    );
  }
  if (bucket !== requestBucket) {
    throw new TerminalError(
      'foreign_bucket',
      `intake: the event is for bucket ${bucket.slice(0, 63)}, not for the request bucket`,
    );
  }
  return {
    bucket,
    key,
    etag: typeof etag === 'string' ? etag : '',
    ...(typeof versionId === 'string' && versionId !== '' ? { versionId } : {}),
    ...(typeof sequencer === 'string' ? { sequencer } : {}),
  };
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (cause) {
    throw new TerminalError('unreadable_message', 'intake: the message is not JSON', { cause });
  }
}

function fields(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
