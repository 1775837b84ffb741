import type { Admissions } from '../../shared/domain/ledger-records.ts';
import { attemptSize } from '../../shared/domain/part.ts';
import { nameOf } from '../../shared/domain/waiting/admission-queue.ts';
import type { BatchLimits } from '../../shared/domain/waiting/batch-limits.ts';
import {
  afterCompletion,
  afterLimitRefusal,
  type LearnedLimit,
} from '../../shared/domain/waiting/learned-limits.ts';
import { estimatedTokens, withMeasured } from '../../shared/domain/waiting/tokens.ts';
import type { Ports } from '../../shared/ports/ports.ts';
import type { CompletedBatch, SeenByTick, Verified } from './seen-by-tick.ts';

/**
 * Returns the learned limits after the refusals of waiting parts and after completed batches. Returns the same list if
 * nothing changed.
 */
export function learnedFrom(
  { log, metrics }: Pick<Ports, 'log' | 'metrics'>,
  { learned: before = [], measured }: Admissions,
  seen: SeenByTick,
  verified: readonly Verified[],
): readonly LearnedLimit[] {
  let learned: readonly LearnedLimit[] = before;
  for (const { model } of seen.completed.values())
    if (learned.some((one) => one.assumed && one.models.includes(model)))
      learned = afterCompletion(learned, model);
  const refusals = seen.queue
    .inOrder()
    .filter(({ waiting }) => waiting.for === 'token_limit' && waiting.refused)
    .sort((a, b) => a.waiting.since - b.waiting.since);
  for (const part of refusals) {
    const { model, uploadBytes, rows = 0, waiting } = part;
    const { refused } = waiting;
    if (!refused) continue;
    const open = openOf(model, seen, verified);
    const tokens = (bytes: number) => estimatedTokens(bytes, measured[model]);
    const accepted = {
      tokens: open.reduce((sum, each) => sum + tokens(each.uploadBytes), 0),
      requests: open.reduce((sum, each) => sum + (each.rows ?? 0), 0),
    };
    const amounts = { refused: { tokens: tokens(uploadBytes), requests: rows }, accepted };
    const next = afterLimitRefusal(learned, { model, at: waiting.since, refused, amounts });
    if (isSameList(learned, next)) continue;
    learned = next;
    const { name, counts, limit, assumed } = learned.at(-1) ?? {};
    metrics.record('LimitsLearned', 1);
    log.warn('limit_learned', { model, name, counts, limit, assumed: assumed?.limit, said: refused.said });
  }
  return isSameList(before, learned) ? before : learned;
}

function openOf(model: string, { open }: SeenByTick, verified: readonly Verified[]) {
  const admitted = verified.filter(({ is, admitted: one }) => is !== 'over' && !open.has(nameOf(one)));
  return [...open.values(), ...admitted.map((one) => one.admitted)].filter((one) => one.model === model);
}

function isSameList(one: readonly LearnedLimit[], other: readonly LearnedLimit[]): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other);
}

/**
 * Returns the measurements with the completed batches of models that have a limit. Failed rows are not billed, so they
 * do not count. An admitted part counts when it leaves the list of admissions, any other part when its end is observed,
 * so each counts once.
 */
export function withMeasuredBatches(
  { limits: { enqueuedTokens }, learned }: { limits: BatchLimits; learned: readonly LearnedLimit[] },
  { measured: before, admitted }: Admissions,
  verified: readonly Verified[],
  completed: ReadonlyMap<string, CompletedBatch>,
): Admissions['measured'] {
  const isLimited = (model: string) =>
    Object.hasOwn(enqueuedTokens, model) || learned.some(({ models }) => models.includes(model));
  const measured = new Map(Object.entries(before).filter(([model]) => isLimited(model)));
  const names = new Set(admitted.map(nameOf));
  const ended = [
    ...verified.flatMap((one) => completedIn(one)),
    ...[...completed].filter(([name]) => !names.has(name)).map(([, batch]) => batch),
  ];
  for (const { model, uploadBytes, batch } of ended) {
    const { usage, counts } = batch;
    if (!isLimited(model) || !usage || !counts?.completed) continue;
    const bytes = (uploadBytes * counts.completed) / Math.max(counts.total, 1);
    const tokens = usage.inputTokens;
    if (tokens > 0) measured.set(model, withMeasured(measured.get(model), { bytes, tokens }));
  }
  return Object.fromEntries(measured);
}

function completedIn({ is, part, admitted: { model } }: Verified): CompletedBatch[] {
  if (is !== 'over' || !part?.admission || part.batch?.status !== 'completed') return [];
  return [{ model, uploadBytes: attemptSize(part).uploadBytes, batch: part.batch }];
}
