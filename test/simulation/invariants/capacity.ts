import type { Part } from '../../../functions/shared/domain/part.ts';
import { MINUTE } from '../world/invocation.ts';
import { nameOf } from '../world/ledger-watch.ts';
import type { World } from '../world/world.ts';
import type { Finding } from './finding.ts';

const SEEN_AFTER_MS = 8 * MINUTE; // what has waited so long is in the index, and in what a tick has read of it

/** Never more open batches than `maxOpenBatches`, counting those that may exist. */
export function withinLimits({ limits, written, api }: World): Finding {
  const { maxOpenBatches } = limits;
  const promise = 'never more open batches than were set';
  if (maxOpenBatches === undefined) return { promise, examined: 0, broken: [] };
  const { mostOpen } = written;
  const broken =
    mostOpen > maxOpenBatches ? [`${mostOpen} were open at once, ${maxOpenBatches} are set`] : [];
  return { promise, examined: api.audit().creates.length, broken };
}

/**
 * Whoever is admitted is the oldest of its model, once faults are over: before, a part of the index may not have been
 * readable. A part that was rejected for the token limit alone lets others pass, and one that a function holds, be it dead, is in no line.
 */
export function oldestFirst({ written, repairedAt }: World): Finding {
  const after = written.admit.filter(({ at }) => repairedAt > 0 && at > repairedAt + SEEN_AFTER_MS);
  const chosen = Map.groupBy(written.admit, ({ part }) => nameOf(part));
  // By the same tick, or by one before that died with its leave ungiven; the leaves themselves are given side by side.
  const isChosen = (other: Part, since: number, at: number) =>
    chosen.get(nameOf(other))?.some((its) => since <= its.at && its.at <= at) ?? false;
  const broken = after.flatMap(({ part, at, older }) =>
    older
      .filter(({ waiting }) => waiting && !waiting.alone && waiting.since < at - SEEN_AFTER_MS)
      .filter(({ lease }) => lease === undefined || lease.until < at - SEEN_AFTER_MS)
      .filter((other) => !isChosen(other, other.waiting?.since ?? 0, at))
      .map((other) => `${nameOf(part)} was let on before ${nameOf(other)}, which is older`),
  );
  return { promise: 'oldest first within a model', examined: after.length, broken };
}
