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

/** Returns the job of a message from any queue, also of an event of a job; undefined if the message names none. It never throws. */
export function jobIdIn(body: string): string | undefined {
  let message: unknown;
  try {
    message = JSON.parse(body);
  } catch {
    return undefined; // the code that handles the message reports it
  }
  const { jobId, ref, detail } = Object(message);
  for (const id of [jobId, Object(ref).jobId, Object(Object(detail).metadata).jobId])
    if (typeof id === 'string' && ID.test(id)) return id;
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
  throw new TerminalError('unreadable_message', 'the message identifies no part');
}

function id(value: unknown): string {
  if (typeof value === 'string' && ID.test(value)) return value;
  throw new TerminalError('unreadable_message', 'the message contains an id that Batchdrop did not make');
}
