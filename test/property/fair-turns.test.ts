import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FairTurns } from '../../functions/poll/admission/fair-turns.ts';
import type { WaitingPart } from '../../functions/shared/domain/waiting/admission-queue.ts';
import type { ShareLeads } from '../../functions/shared/domain/waiting/shares.ts';

const MODEL = 'm';
const MOST_CAPACITY = 200; // tokens
const WEIGHTS = { a: 3, b: 1, c: 0.25 };

interface Arrival {
  /** Undefined: a team that nobody has heard of. */
  team: 'a' | 'b' | 'c' | undefined;
  tokens: number;
}

/** What arrives before each tick, and the tokens that ended batches free. */
const ticks = fc.array(
  fc.record({
    arrivals: fc.array(
      fc.record({
        team: fc.constantFrom<Arrival['team']>('a', 'b', 'c', undefined),
        tokens: fc.constantFrom(1, 10, 40, 100),
      }),
      { maxLength: 4 },
    ),
    freed: fc.constantFrom(0, 50, 100, 200),
  }),
  { minLength: 20, maxLength: 60 },
);

function partOf({ team }: Arrival, n: number): WaitingPart {
  const wait = { for: 'enqueued_tokens', since: n } as const;
  const share = { name: team ?? `stranger ${n}`, priority: 'normal' } as const;
  return {
    jobId: `${n}`,
    planId: 'p',
    number: 1,
    jobCreatedAt: n,
    model: MODEL,
    uploadBytes: 1,
    waiting: wait,
    share,
  };
}

const weightOf = (name: string) => (Object.hasOwn(WEIGHTS, name) ? WEIGHTS[name as keyof typeof WEIGHTS] : 1);

/** A wait of a line for its next turn. */
interface Wait {
  /** What was admitted of it last. */
  last: number;
  /** What was admitted of the others since then. */
  others: number;
  mostWeight: number;
  mostLines: number;
}

class History {
  readonly tokens = new Map<WaitingPart, number>();
  readonly waits = new Map<string, Wait>();
  /** What was last admitted of each line, also of one that has nothing to admit meanwhile. */
  readonly last = new Map<string, number>();
  queue: WaitingPart[] = [];
  leads: ShareLeads | undefined;
  capacity = 0;
  ended = 0;
  /** Of all lines that wait in this tick. */
  weight = 0;
  lines = 0;
  readonly starved: string[] = [];

  tick(arrivals: readonly Arrival[], freed: number): void {
    for (const arrival of arrivals) {
      const part = partOf(arrival, this.tokens.size);
      this.tokens.set(part, arrival.tokens);
      this.queue.push(part);
    }
    this.capacity = Math.min(MOST_CAPACITY, this.capacity + freed);
    const lines = new Set(this.queue.map(({ share }) => share?.name ?? ''));
    this.weight = [...lines].reduce((sum, name) => sum + weightOf(name), 0);
    this.lines = lines.size;
    for (const name of lines) {
      const last = this.last.get(name) ?? 0;
      const wait = this.waits.get(name) ?? { last, others: 0, mostWeight: 0, mostLines: 0 };
      wait.mostWeight = Math.max(wait.mostWeight, this.weight);
      wait.mostLines = Math.max(wait.mostLines, this.lines);
      this.waits.set(name, wait);
    }
    this.#admit();
  }

  #admit(): void {
    const costOf = (part: WaitingPart) => this.tokens.get(part) ?? 0;
    const turns = new FairTurns({ by: 'team', weights: WEIGHTS }, this.leads);
    const order = turns.inOrder(this.queue, {
      ...{ holdsPlace: () => true, costOf, isLimited: () => true, areBatchesLimited: false },
    });
    const admitted: { part: WaitingPart; tokens: number }[] = [];
    for (const part of order) {
      if (costOf(part) > this.capacity) break;
      this.capacity -= costOf(part);
      admitted.push({ part, tokens: costOf(part) });
      this.#note(part, costOf(part));
    }
    const begun = new Set(admitted.map(({ part }) => part));
    this.queue = this.queue.filter((part) => !begun.has(part));
    this.leads = turns.after({ admitted, waitForModel: this.queue, waitForBatches: [], sawAll: true });
    for (const name of this.waits.keys())
      if (!this.queue.some(({ share }) => share?.name === name)) this.waits.delete(name);
  }

  #note({ share }: WaitingPart, tokens: number): void {
    for (const [name, wait] of this.waits) {
      if (name !== share?.name) {
        wait.others += tokens;
        continue;
      }
      this.ended += 1;
      const bound = (wait.mostWeight / weightOf(name)) * wait.last + wait.mostLines * 100;
      if (wait.others > bound)
        this.starved.push(`${name} waited for ${wait.others} tokens of others, at most ${bound} are allowed`);
      this.last.set(name, tokens);
      this.waits.set(name, { last: tokens, others: 0, mostWeight: this.weight, mostLines: this.lines });
    }
  }
}

function played(all: readonly { arrivals: readonly Arrival[]; freed: number }[]): History {
  const history = new History();
  for (const { arrivals, freed } of all) history.tick(arrivals, freed);
  return history;
}

test('no line waits for more than the bound, whoever comes meanwhile', () => {
  let ended = 0;
  fc.assert(
    fc.property(ticks, (all) => {
      const history = played(all);
      ended += history.ended;
      expect(history.starved).toEqual([]);
    }),
    { numRuns: 200 },
  );
  expect(ended).toBeGreaterThan(1000);
});

const TEAMS = ['a', 'b', 'c'] as const;

/** Returns what has to arrive so that each team has more to admit than one tick can. */
function refillOf({ queue, tokens }: History, nextSize: () => number): Arrival[] {
  return TEAMS.flatMap((team) => {
    const arrivals: Arrival[] = [];
    let waiting = 0;
    for (const part of queue) if (part.share?.name === team) waiting += tokens.get(part) ?? 0;
    for (; waiting <= MOST_CAPACITY; waiting += arrivals.at(-1)?.tokens ?? 0)
      arrivals.push({ team, tokens: nextSize() });
    return arrivals;
  });
}

test('teams that always wait get tokens in proportion to their weights', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(1, 10, 40, 100), { minLength: 30, maxLength: 30 }), (sizes) => {
      const history = new History();
      const got = new Map<string, number>();
      let n = 0;
      for (let tick = 0; tick < 200; tick += 1) {
        const arrivals = refillOf(history, () => sizes[n++ % sizes.length] ?? 1);
        const before = new Set(history.queue);
        history.tick(arrivals, 100);
        for (const part of before)
          if (!history.queue.includes(part)) {
            const name = part.share?.name ?? '';
            got.set(name, (got.get(name) ?? 0) + (history.tokens.get(part) ?? 0));
          }
      }
      const shares = TEAMS.map((team) => (got.get(team) ?? 0) / WEIGHTS[team]);
      expect(Math.max(...shares) - Math.min(...shares)).toBeLessThan(3 * (100 / WEIGHTS.c));
    }),
    { numRuns: 20 },
  );
});
