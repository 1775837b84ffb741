/**
 * The enqueued limits that the API's refusals taught (ADR 0008; rule 3 of "What an answer is worth",
 * docs/architecture.md). A limit that a refusal names is the limit, under the model's or deployment's name that the
 * vendor uses, tokens apart from requests. A refusal below it means that others fill the account: then parts wait, and
 * the limit stays. Only while no refusal has named a number, one is assumed: half of what was enqueued at a refusal,
 * and a little more after each batch that completes. A limit that is set (`enqueuedTokens`) wins.
 */

import type { Refused } from '../part.ts';
import type { BatchLimits } from './batch-limits.ts';
import type { NamedLimit } from './enqueued-limit.ts';

/** What the refusals of one model or deployment taught. */
export interface LearnedLimit {
  /** As the vendor names it; the model of the refused part if it names none. */
  name: string;
  counts: NamedLimit['counts'];
  /** The models of the refused parts: the limit holds for each of them. */
  models: string[];
  /** As a refusal named it. */
  limit?: number;
  /** While no refusal has named a number: what is tried, and what each completed batch adds. */
  assumed?: { limit: number; step: number };
  /** The vendor's own words, of the refusal that named the limit or else of the last one. */
  said: string;
  /** When that refusal was seen, in milliseconds. Calls that were under way by then teach nothing new. */
  at: number;
}

/** What is enqueued, by estimate. */
export interface EnqueuedAmounts {
  tokens: number;
  requests: number;
}

/** A refusal, and what else this Batchdrop had enqueued when it was seen. */
export interface LimitRefusal {
  model: string;
  /** When the refusal was seen, in milliseconds. */
  at: number;
  refused: Refused;
  amounts: { refused: EnqueuedAmounts; accepted: EnqueuedAmounts };
}

// The item of the admissions also holds up to 1,500 parts, and at most 400 KB.
const MAX_LEARNED = 40;
const MAX_MODELS = 10;
const MAX_SAID = 200; // characters
const MAX_NAME = 100;
const ASSUME_AFTER = 3; // refusals of a part without anything else enqueued
const STEPS = 8; // completed batches until an assumed limit has doubled

/** Returns the limits after a refusal. */
export function afterLimitRefusal(learned: readonly LearnedLimit[], refusal: LimitRefusal): LearnedLimit[] {
  const { model, at, refused, amounts } = refusal;
  const { counts = 'tokens', name = model, limit } = refused.limit ?? {};
  const before = learned.find(
    (one) => one.counts === counts && (one.name === name.slice(0, MAX_NAME) || one.models.includes(model)),
  );
  if (before && at <= before.at && before.models.includes(model)) return [...learned]; // seen before
  // Nothing else was enqueued: others may fill the account for a while, so that is no reason yet to assume a limit.
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
  const lower = Math.max(1, accepted, Math.floor(tried / 2)); // what is accepted is within the limit
  return { assumed: { limit: lower, step: Math.max(1, Math.ceil(lower / STEPS)) }, said, at };
}

/** Returns the limits after a batch of the model completed: an assumed one grows. */
export function afterCompletion(learned: readonly LearnedLimit[], model: string): LearnedLimit[] {
  return learned.map((one) => {
    if (!one.assumed || !one.models.includes(model)) return one;
    const { limit, step } = one.assumed;
    return { ...one, assumed: { limit: limit + step, step } };
  });
}

/** What may be enqueued of a model. Absent: no limit is known. */
export interface KnownLimits {
  tokens?: number;
  requests?: number;
  /** When the API named the newest of them, in milliseconds; absent when it named none. */
  namedAt?: number;
  /** The limit of the tokens is only assumed. */
  assumed?: true;
}

/** Returns the limits of a model: the set one, else those that were learned. */
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

/** Returns the models that have a learned limit and no set one: their parts need admission. */
export function limitedModels({ enqueuedTokens }: BatchLimits, learned: readonly LearnedLimit[]): string[] {
  const models = new Set(learned.flatMap((one) => one.models));
  return [...models].filter((model) => !Object.hasOwn(enqueuedTokens, model)).sort();
}
