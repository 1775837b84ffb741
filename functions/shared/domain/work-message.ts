import { TerminalError } from './errors.ts';
import { jobIdOf } from './job-id.ts';
import type { PartRef } from './part.ts';

const ID = /^[a-z2-7]{26}$/;

/** The body of a message to SUBMIT or DELIVER. Errors: TerminalError `unreadable_message`. */
export function parseWorkMessage(body: string): { ref: PartRef } | { jobId: string } {
  let message: unknown;
  try {
    message = JSON.parse(body);
  } catch (cause) {
    throw new TerminalError('unreadable_message', 'the message is not JSON', { cause });
  }
  if (typeof message === 'object' && message !== null) {
    if ('ref' in message) return { ref: partRef(message.ref) };
    if ('jobId' in message) return { jobId: id(message.jobId) };
  }
  throw new TerminalError('unreadable_message', 'the message contains neither a part nor a job');
}

/**
 * The job that a message of any queue concerns, undefined where the message does not say. For the log: it returns, whatever
 * the message is.
 */
export function jobIdIn(body: string): string | undefined {
  let message: unknown;
  try {
    message = JSON.parse(body);
  } catch {
    return undefined; // whoever handles the message says so
  }
  const { jobId, ref, detail } = Object(message);
  for (const id of [jobId, Object(ref).jobId]) if (typeof id === 'string' && ID.test(id)) return id;
  const { bucket, object } = Object(detail);
  const file = {
    bucket: Object(bucket).name,
    key: Object(object).key,
    versionId: Object(object)['version-id'],
  };
  return Object.values(file).every((value) => typeof value === 'string') ? jobIdOf(file) : undefined;
}

function partRef(ref: unknown): PartRef {
  if (typeof ref === 'object' && ref !== null && 'jobId' in ref && 'planId' in ref && 'number' in ref) {
    const { jobId, planId, number } = ref;
    if (Number.isSafeInteger(number)) return { jobId: id(jobId), planId: id(planId), number: Number(number) };
  }
  throw new TerminalError('unreadable_message', 'the message names no part');
}

function id(value: unknown): string {
  if (typeof value === 'string' && ID.test(value)) return value;
  throw new TerminalError('unreadable_message', 'the message contains an id that Batchdrop did not make');
}
