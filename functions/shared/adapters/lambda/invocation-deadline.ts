import type { Context } from 'aws-lambda';
import type { Clock, Deadline } from '../../ports/ports.ts';

const LEFT_TO_NOTE_FAILURES_MS = 10_000; // work in progress ends this long before Lambda ends the invocation

/** The deadline of one invocation: its leases end with it, and work in progress ends shortly before it. */
export function deadlineOf(context: Pick<Context, 'getRemainingTimeInMillis'>, clock: Clock): Deadline {
  const left = context.getRemainingTimeInMillis();
  return {
    until: clock.now() + left,
    signal: AbortSignal.timeout(Math.max(1, left - LEFT_TO_NOTE_FAILURES_MS)),
  };
}
