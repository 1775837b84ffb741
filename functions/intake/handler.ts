import { TerminalError } from '../shared/domain/errors.ts';
import { type AdvanceDeps, advanceJob } from '../shared/lifecycle/advance.ts';
import { type JobInHand, takeJob } from '../shared/lifecycle/compare-and-set.ts';
import type { Deadline } from '../shared/ports/ports.ts';
import { type IntakeDeps, intakeJob } from './intake-job.ts';
import { type Arrival, registerJob } from './register-job.ts';

export type Deps = IntakeDeps & AdvanceDeps & { requestBucket: string };

/**
 * One message of the intake queue: S3's "Object Created" as EventBridge delivers it, or a job to resume. Throws what cannot
 * be read and what could not be recorded anywhere; the queue repeats it. Throws every message where requests and results
 * share a bucket, which synth cannot see when tokens hide the names.
 */
export function createHandler(deps: Deps): (body: string, deadline: Deadline) => Promise<void> {
  return async (body, deadline) => {
    if (deps.requestBucket === deps.resultsBucket)
      throw new TerminalError('same_bucket', 'intake: requests and results are the same bucket');
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

/** Errors: TerminalError `unreadable_message`, `foreign_bucket`. */
function parseIntakeMessage(body: string, requestBucket: string): Arrival | { jobId: string } {
  const message = fields(parseJson(body));
  if (typeof message.jobId === 'string') return { jobId: message.jobId };
  const detail = fields(message.detail);
  const { name: bucket } = fields(detail.bucket);
  const { key, etag, sequencer, 'version-id': versionId } = fields(detail.object);
  if (typeof bucket !== 'string' || typeof key !== 'string') {
    throw new TerminalError(
      'unreadable_message',
      'intake: neither an S3 event of EventBridge nor {"jobId":"…"}',
    );
  }
  if (bucket !== requestBucket) {
    throw new TerminalError(
      'foreign_bucket',
      `intake: an event of bucket ${bucket.slice(0, 63)}, which is not the request bucket`,
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
