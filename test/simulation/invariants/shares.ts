import type { Part } from '../../../functions/shared/domain/part.ts';
import { lineOf, weightOf } from '../../../functions/shared/domain/waiting/shares.ts';
import type { World } from '../world/world.ts';
import { SEEN_AFTER_MS } from './capacity.ts';
import type { Finding } from './finding.ts';

const CAPACITY: ReadonlySet<string | undefined> = new Set(['enqueued_tokens', 'open_batches']);
/** A part that the API has refused takes a turn of its line, too. */
const TAKES_A_TURN: ReadonlySet<string | undefined> = new Set([...CAPACITY, 'token_limit']);

/** A time in which a line has parts that wait. */
interface Backlog {
  line: string;
  weight: number;
  from: number;
  until: number;
}

/**
 * While two lines wait for the same capacity, neither gets more for its weight than the other, but for twice the largest part
 * of each (`fair-turns.ts`). Once faults are over: before that, a shard of the index may have been unreadable.
 */
export function fairlyShared(world: World): Finding {
  const promise = 'shares get what their weights say';
  const { limits, written, repairedAt } = world;
  const ofModels = written.waits.filter(({ part }) => isShared(world, part));
  const waits = ofModels.filter(({ part }) => CAPACITY.has(part.waiting?.for));
  const taking = ofModels.filter(({ part }) => TAKES_A_TURN.has(part.waiting?.for));
  const largest = Math.max(...taking.map(({ bytes = 0 }) => bytes));
  const admitted = taking
    .filter(({ bytes, until }) => bytes !== undefined && repairedAt > 0 && until > repairedAt + SEEN_AFTER_MS)
    .sort((a, b) => a.until - b.until);
  const broken: string[] = [];
  // What may cost more than a budget has left does not wait for capacity.
  if (!limits.shares || limits.budget) return { promise, examined: 0, broken };
  for (const { line, weight, from, until } of backlogs(world, waits)) {
    const own = { bytes: 0 };
    const others = new Map<string, number>();
    for (const { part, until: at, bytes = 0 } of admitted) {
      if (at <= Math.max(from, repairedAt) + SEEN_AFTER_MS || at >= until) continue;
      const name = lineName(part);
      if (name === line) {
        own.bytes += bytes;
        continue;
      }
      const got = (others.get(name) ?? 0) + bytes;
      others.set(name, got);
      const otherWeight = weightOfPart(world, part);
      if (got / otherWeight - own.bytes / weight > 2 * largest * (1 / weight + 1 / otherWeight))
        broken.push(`${name} got ${got} bytes while ${line} waited and got ${own.bytes}`);
    }
  }
  return { promise, examined: admitted.length, broken };
}

/** Parts of a model with a limit wait for it; without one, parts of all models wait for the number of open batches. */
function isShared({ limits }: World, { model }: Part): boolean {
  const models = Object.keys(limits.enqueuedTokens);
  return models.length === 0 || models.includes(model);
}

/** Returns for each line the times in which it has parts that wait, without a pause. */
function backlogs(world: World, waits: World['written']['waits']): Backlog[] {
  const all: Backlog[] = [];
  for (const [line, ofLine] of Map.groupBy(waits, ({ part }) => lineName(part))) {
    const sorted = ofLine.toSorted((a, b) => a.from - b.from);
    for (const { part, from, until } of sorted) {
      const last = all.at(-1);
      if (last?.line === line && from <= last.until) last.until = Math.max(last.until, until);
      else all.push({ line, weight: weightOfPart(world, part), from, until });
    }
  }
  return all;
}

function lineName({ share }: Part): string {
  return share ? lineOf(share) : '';
}

function weightOfPart({ limits }: World, { share }: Part): number {
  return limits.shares && share ? weightOf(limits.shares, share) : 1;
}
