import type { WaitingFor } from '../../functions/shared/contract/events.ts';
import type { WaitingPart } from '../../functions/shared/domain/waiting/admission-queue.ts';
import { lineOf } from '../../functions/shared/domain/waiting/shares.ts';

/** A part that waits for capacity, and its position in the queue of its model; with shares, in the queue of its share. */
export interface QueuePosition {
  readonly part: number;
  readonly for: WaitingFor;
  /** From 1. */
  readonly position: number;
  /** ISO 8601. */
  readonly since: string;
  /**
   * ISO 8601. When the part is the first of its model, Batchdrop sends it at this time even if no capacity is known.
   */
  readonly until?: string;
  /** The API rejected it for the token limit while no other batch of its model was open. */
  readonly alone?: true;
  /** The vendor's message after a refusal. */
  readonly said?: string;
}

/** Returns the positions of waiting parts by job id; `waiting` must have the oldest first. */
export function queuePositions(waiting: readonly WaitingPart[]): Map<string, QueuePosition[]> {
  const positions = new Map<string, QueuePosition[]>();
  const taken = new Map<string, number>();
  for (const { jobId, number, model, share, waiting: wait } of waiting) {
    const queue = `${share ? lineOf(share) : ''} ${model}`;
    const position = (taken.get(queue) ?? 0) + 1;
    taken.set(queue, position);
    const known: QueuePosition = {
      ...{ part: number, for: wait.for, position, since: new Date(wait.since).toISOString() },
      ...(wait.until !== undefined && { until: new Date(wait.until).toISOString() }),
      ...(wait.alone && { alone: wait.alone }),
      ...(wait.refused?.said !== undefined && { said: wait.refused.said }),
    };
    positions.set(jobId, [...(positions.get(jobId) ?? []), known]);
  }
  return positions;
}
