/**
 * Rule 3 of "What an answer is worth" (docs/architecture.md): a refusal ends something only if it says that the input
 * is wrong. Any other cause that keeps a step from succeeding is an obstacle. The item waits until the obstacle passes,
 * however long that takes, and shows what it waits for. It uses up no tries.
 */
import type { WaitingFor } from '../../contract/events.ts';
import { NotAllowed, RetryableError } from '../errors.ts';

/** A call to the API that a breaker can stop. */
export type Operation = 'upload' | 'create';

/** What an item waits for. */
export interface MetObstacle {
  for: WaitingFor;
  /** When the item first met it, in milliseconds. */
  since: number;
  /** The vendor's message, at most 500 characters, or ours if the vendor sent none. */
  said?: string;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const MAX_SAID = 500;

/** The first and the longest backoff. Between them, each backoff is as long as the wait so far. */
const BACKOFF: Readonly<Record<WaitingFor, { first: number; longest: number }>> = {
  token_limit: { first: 5 * MINUTE, longest: 30 * MINUTE },
  enqueued_tokens: { first: MINUTE, longest: 30 * MINUTE },
  open_batches: { first: MINUTE, longest: 30 * MINUTE },
  budget: { first: MINUTE, longest: 30 * MINUTE },
  price_unknown: { first: MINUTE, longest: 30 * MINUTE },
  account: { first: 2 * MINUTE, longest: 30 * MINUTE }, // a rotated key is in use within two minutes
  storage: { first: 2 * MINUTE, longest: 30 * MINUTE },
  not_visible: { first: 15 * SECOND, longest: 10 * MINUTE },
  unreachable: { first: 15 * SECOND, longest: 10 * MINUTE },
  results: { first: MINUTE, longest: 60 * MINUTE },
};

/** Returns the obstacle that a failure means, or undefined. `before`: the obstacle that the item has met already. */
export function obstacleIn(
  failure: unknown,
  before: MetObstacle | undefined,
  now: number,
): MetObstacle | undefined {
  const met = kindOf(failure);
  if (!met) return undefined;
  const since = before?.for === met.for ? before.since : now;
  return { for: met.for, since, said: met.said.slice(0, MAX_SAID).toWellFormed() };
}

function kindOf(failure: unknown): { for: WaitingFor; said: string } | undefined {
  if (failure instanceof NotAllowed) return { for: 'account', said: failure.message };
  if (!(failure instanceof RetryableError) || failure.waitsFor === undefined) return undefined;
  return { for: failure.waitsFor, said: failure.said ?? failure.message };
}

/** Returns how long to wait before the next try, in milliseconds. */
export function obstacleBackoff({ for: reason, since }: MetObstacle, now: number): number {
  const { first, longest } = BACKOFF[reason];
  return Math.min(Math.max(now - since, first), longest);
}
