import type { Context } from 'aws-lambda';
import type { Clock, Deadline } from '../../ports/ports.ts';

const LEFT_TO_NOTE_FAILURES_MS = 10_000; // what is under way ends so long before Lambda ends everything

/** The time of one invocation: leases end with it, and work under way a little before it. */
export function deadlineOf(context: Pick<Context, 'getRemainingTimeInMillis'>, clock: Clock): Deadline {
  const left = context.getRemainingTimeInMillis();
  return {
    until: clock.now() + left,
    signal: AbortSignal.timeout(Math.max(1, left - LEFT_TO_NOTE_FAILURES_MS)),
  };
}
