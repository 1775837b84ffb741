/**
 * The enqueued limits that Batchdrop knows from the API's refusals (ADR 0008; rule 3 of "What an answer is worth",
 * docs/architecture.md). A limit that a refusal states applies to the model or deployment that the vendor names,
 * separately for tokens and requests. If the API refuses a part below that limit, other programs use the account: the
 * part waits, and the limit stays. Only while no refusal has stated a number, Batchdrop assumes a limit: half of what
 * was enqueued at a refusal, and a little more after each completed batch. A configured limit (`enqueuedTokens`) takes
 * precedence.
 */

import type { Refused } from '../part.ts';
import type { BatchLimits } from './batch-limits.ts';
import type { NamedLimit } from './enqueued-limit.ts';

/** What the refusals for one model or deployment have shown. */
export interface LearnedLimit {
  /** The vendor's name for it, or the model of the refused part if the vendor names none. */
  name: string;
  counts: NamedLimit['counts'];
  /** The models of the refused parts. The limit applies to each of them. */
  models: string[];
  /** The limit that a refusal stated. */
  limit?: number;
  /** While no refusal has stated a number: the limit that is tried, and what each completed batch adds to it. */
  assumed?: { limit: number; step: number };
  /** The vendor's message in the refusal that stated the limit, or else in the last refusal. */
  said: string;
  /** When that refusal was received, in milliseconds. Refusals of calls that were already under way are ignored. */
  at: number;
}

/** What is enqueued, by estimate. */
export interface EnqueuedAmounts {
  tokens: number;
  requests: number;
}

/** A refusal, and what else this Batchdrop had enqueued when the refusal was received. */
export interface LimitRefusal {
  model: string;
  /** When the refusal was received, in milliseconds. */
  at: number;
  refused: Refused;
  amounts: { refused: EnqueuedAmounts; accepted: EnqueuedAmounts };
}

// The item with the admissions also contains up to 1,500 parts, and can have at most 400 KB.
const MAX_LEARNED = 40;
const MAX_MODELS = 10;
const MAX_SAID = 200; // characters
const MAX_NAME = 100;
const ASSUME_AFTER = 3; // refusals of a part with nothing else enqueued
const STEPS = 8; // completed batches until an assumed limit has doubled

/** Returns the limits after a refusal. */
export function afterLimitRefusal(learned: readonly LearnedLimit[], refusal: LimitRefusal): LearnedLimit[] {
  const { model, at, refused, amounts } = refusal;
  const { counts = 'tokens', name = model, limit } = refused.limit ?? {};
  const before = learned.find(
    (one) => one.counts === counts && (one.name === name.slice(0, MAX_NAME) || one.models.includes(model)),
  );
  if (before && at <= before.at && before.models.includes(model)) return [...learned]; // received before
  // Nothing else was enqueued, so other programs may be using the account for a while: too early to assume a limit.
  const isAlone = limit === undefined && !before && amounts.accepted[counts] === 0;
  if (isAlone && (refused.nth ?? 1) < ASSUME_AFTER) return [...learned];
  const models = [...new Set([...(before?.models ?? []), model])].slice(-MAX_MODELS);
  const next = { name: name.slice(0, MAX_NAME), counts, models, ...taught(before, refusal, limit) };
  return [...learned.filter((one) => one !== before), next].slice(-MAX_LEARNED);
}

function taught(
  before: LearnedLimit | undefined,
  { at, refused, amounts }: LimitRefusal,
  limit: number | undefined,
): Pick<LearnedLimit, 'limit' | 'assumed' | 'said' | 'at'> {
  const said = (refused.said ?? '').slice(0, MAX_SAID).toWellFormed();
  if (limit !== undefined) return { limit, said, at: before?.limit === limit ? before.at : at };
  if (before?.limit !== undefined) return { limit: before.limit, said: before.said, at: before.at };
  if (before?.assumed && refused.sentAt <= before.at) return { ...before };
  const counts = refused.limit?.counts ?? 'tokens';
  const accepted = amounts.accepted[counts];
  const tried = Math.min(
    accepted + amounts.refused[counts],
    before?.assumed?.limit ?? Number.POSITIVE_INFINITY,
  );
  const lower = Math.max(1, accepted, Math.floor(tried / 2)); // everything that was accepted is within the limit
  return { assumed: { limit: lower, step: Math.max(1, Math.ceil(lower / STEPS)) }, said, at };
}

/** Returns the limits after a batch of the model completed. An assumed limit grows. */
export function afterCompletion(learned: readonly LearnedLimit[], model: string): LearnedLimit[] {
  return learned.map((one) => {
    if (!one.assumed || !one.models.includes(model)) return one;
    const { limit, step } = one.assumed;
    return { ...one, assumed: { limit: limit + step, step } };
  });
}

/** How much of a model may be enqueued. Absent: no limit is known. */
export interface KnownLimits {
  tokens?: number;
  requests?: number;
  /** When the API stated the newest of the limits, in milliseconds. Absent if it stated none. */
  namedAt?: number;
  /** The token limit is only assumed. */
  assumed?: true;
}

/** Returns the limits of a model: the configured one, or else the learned ones. */
export function limitsOf(
  { enqueuedTokens }: Pick<BatchLimits, 'enqueuedTokens'>,
  learned: readonly LearnedLimit[],
  model: string,
): KnownLimits {
  const set = Object.hasOwn(enqueuedTokens, model) ? enqueuedTokens[model] : undefined;
  const known = learned.filter(({ models, counts }) => {
    return models.includes(model) && !(counts === 'tokens' && set !== undefined);
  });
  const tokens = set ?? amount(known, 'tokens');
  const requests = amount(known, 'requests');
  const named = known.filter(({ limit }) => limit !== undefined);
  const isAssumed = known.some((one) => one.counts === 'tokens' && one.limit === undefined);
  return {
    ...(tokens === undefined ? {} : { tokens }),
    ...(requests === undefined ? {} : { requests }),
    ...(named.length === 0 ? {} : { namedAt: Math.max(...named.map(({ at }) => at)) }),
    ...(isAssumed ? { assumed: true } : {}),
  };
}

function amount(known: readonly LearnedLimit[], wanted: NamedLimit['counts']): number | undefined {
  const one = known.find(({ counts }) => counts === wanted);
  return one?.limit ?? one?.assumed?.limit;
}

/** Returns the models with a learned limit and no configured one. Their parts need admission. */
export function limitedModels({ enqueuedTokens }: BatchLimits, learned: readonly LearnedLimit[]): string[] {
  const models = new Set(learned.flatMap((one) => one.models));
  return [...models].filter((model) => !Object.hasOwn(enqueuedTokens, model)).sort();
}
