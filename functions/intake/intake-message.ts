import { TerminalError } from '../shared/domain/errors.ts';
import type { Arrival } from './register-job.ts';

/** Parses a message of the intake queue. Errors: TerminalError `unreadable_message`, `foreign_bucket`. */
export function parseIntakeMessage(body: string, requestBucket: string): Arrival | { jobId: string } {
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
