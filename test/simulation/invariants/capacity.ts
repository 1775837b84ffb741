import type { Part, Waiting } from '../../../functions/shared/domain/part.ts';
import type { Breaker } from '../../../functions/shared/domain/waiting/breaker.ts';
import { LONGEST_TICK_MS, MINUTE } from '../world/invocation.ts';
import { nameOf } from '../world/ledger-watch.ts';
import type { World } from '../world/world.ts';
import type { Finding } from './finding.ts';

/** After this wait, a part is in the index, and each tick that still writes has read it. */
export const SEEN_AFTER_MS = LONGEST_TICK_MS + MINUTE;

/** There are never more open batches than `maxOpenBatches`, including those that may exist. */
export function withinLimits({ limits, written, api }: World): Finding {
  const { maxOpenBatches } = limits;
  const promise = 'never more open batches than the limit';
  if (maxOpenBatches === undefined) return { promise, examined: 0, broken: [] };
  const { mostOpen } = written;
  const broken =
    mostOpen > maxOpenBatches ? [`${mostOpen} were open at once, the limit is ${maxOpenBatches}`] : [];
  return { promise, examined: api.audit().creates.length, broken };
}

/**
 * An admitted part is the oldest of its model and share, once faults are over (before that, a shard of the index may have been
 * unreadable). A part that was rejected for the token limit while no other batch of its model was open lets others
 * pass. A leased part is in no queue, even if the function with the lease has crashed. Three rules take
 * precedence over the order:
 *   - a part that waits for an account or its storage blocks no other part while a breaker for that reason is open, or
 *     until its own backoff is over while there is a breaker that is not open
 *   - with a budget, a part that may cost more than is left lets others pass
 *   - a probe is the part that was refused longest ago, of another model if possible, and need not be the oldest
 */
export function oldestFirst(world: World): Finding {
  const { written, repairedAt } = world;
  const after = written.admit.filter(({ at }) => repairedAt > 0 && at > repairedAt + SEEN_AFTER_MS);
  const chosen = Map.groupBy(written.admit, ({ part }) => nameOf(part));
  // Chosen by the same tick, or by an earlier one that crashed before it admitted the part. Admissions are written in
  // parallel.
  const isChosen = (other: Part, since: number, at: number) =>
    chosen.get(nameOf(other))?.some((its) => since <= its.at && its.at <= at) ?? false;
  const ordered = after.filter(({ part }) => !part.admission?.probe);
  const broken = ordered.flatMap(({ part, at, older }) =>
    older
      .filter(({ waiting }) => waiting && !world.limits.budget && !holdsNoPlace(world, waiting, at))
      .filter(({ waiting }) => waiting && !waiting.alone && waiting.since < at - SEEN_AFTER_MS)
      .filter(({ lease }) => lease === undefined || lease.until < at - SEEN_AFTER_MS)
      .filter((other) => !isChosen(other, other.waiting?.since ?? 0, at))
      .map((other) => `${nameOf(part)} was admitted before ${nameOf(other)}, which is older`),
  );
  const probes = written.admit.filter(({ part }) => part.admission?.probe);
  const noProbes = probes.filter(
    ({ waited, at }) => !breakersFor(world, waited.waiting, at).some(({ open }) => open),
  );
  broken.push(
    ...noProbes.map(({ part }) => `${nameOf(part)} was admitted as a probe, and no breaker was open`),
  );
  return { promise: 'oldest first within a model', examined: after.length, broken };
}

function holdsNoPlace(world: World, waiting: Waiting, at: number): boolean {
  const { until = at } = waiting;
  return breakersFor(world, waiting, at).some(({ open }) => open !== undefined || until > at);
}

/** Returns the breakers for the part's reason that a tick may have known when it admitted a part at this time. */
function breakersFor({ written }: World, waiting: Waiting | undefined, at: number): Breaker[] {
  const { breakers } = written;
  const known = breakers.filter(
    (one, n) => one.at <= at && (breakers[n + 1]?.at ?? at) >= at - SEEN_AFTER_MS,
  );
  return known.flatMap(({ are }) => are.filter((one) => one.for === waiting?.for));
}
