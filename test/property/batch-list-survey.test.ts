import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BatchListSurvey, type SurveyCall } from '../../functions/poll/observation/batch-list-survey.ts';
import type { KnownBatch, ObservedBatch } from '../../functions/shared/domain/part.ts';
import { without } from '../../functions/shared/domain/without.ts';
import { aBatch, NOON } from '../contracts/samples.ts';
import { batchPage } from '../fakes/batch-page.ts';

interface Entry {
  batch: KnownBatch;
  isOurs: boolean;
}

/** A list, newest first, with runs of our batches and of others'. Each run was created at its own pace. */
const list = fc
  .array(
    fc.record({
      others: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 150 })),
      ours: fc.oneof(fc.constant(1), fc.integer({ min: 0, max: 120 })),
      secondsEach: fc.constantFrom(0, 0, 0.02, 1, 60),
    }),
    { minLength: 1, maxLength: 30 },
  )
  .map((runs) => {
    const entries: Entry[] = [];
    let seconds = 0;
    for (const { others, ours, secondsEach } of runs) {
      for (let n = 0; n < others + ours; n += 1) {
        seconds += secondsEach;
        const createdAt = NOON - Math.floor(seconds) * 1000;
        entries.push({
          batch: aBatch({ batchId: `batch_${entries.length}`, createdAt }),
          isOurs: n >= others,
        });
      }
    }
    return entries;
  });

/** The faults that an API may have in its pages. */
const faults = fc.record({
  fails: fc.constantFrom(0, 0, 0.2, 1),
  hides: fc.constantFrom(0, 0, 0.1, 0.9),
  longest: fc.constantFrom(100, 100, 20, 1),
  ignoresAfter: fc.constantFrom(false, false, true),
  undated: fc.constantFrom(0, 0, 0.3, 1),
  oldestFirst: fc.constantFrom(false, false, true),
  otherAccount: fc.constantFrom(false, false, true),
});

function survey(
  all: KnownBatch[],
  open: KnownBatch[],
  rotation: number,
  pageFor: (call: Extract<SurveyCall, { do: 'list' }>) => ObservedBatch[] | 'failed',
  { account = 'org', first = [] }: { account?: string; first?: readonly string[] } = {},
) {
  const plan = new BatchListSurvey(
    open.map(({ batchId, createdAt, status }) => {
      const part = { account: 'org', model: 'm', uploadBytes: 9, jobCreatedAt: 0 };
      return { batchId, createdAt, status, ...part };
    }),
    rotation,
    first,
  );
  const served: string[] = [];
  let calls = 0;
  for (let round = plan.next(); round.length > 0; round = plan.next()) {
    for (const call of round) {
      calls += 1;
      if (call.do === 'retrieve') {
        served.push(call.open.batchId);
        continue;
      }
      const batches = pageFor(call);
      if (batches === 'failed') plan.noteFailed();
      else {
        const hasMore = batches.length > 0 && batches.at(-1)?.batchId !== all.at(-1)?.batchId;
        for (const { open } of plan.noteList(call, batchPage(batches, hasMore, account)))
          served.push(open.batchId);
      }
    }
  }
  return { calls, served, left: plan.unobserved() };
}

test('a survey of any list observes each open batch at most once, with at most one call per batch', () => {
  let byPages = 0;
  fc.assert(
    fc.property(list, fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), (entries, rotation) => {
      const all = entries.map(({ batch }) => batch);
      const open = entries.flatMap(({ batch, isOurs }) => (isOurs ? [batch] : []));
      const { calls, served } = survey(all, open, rotation, ({ after, limit }) => {
        const from = after ? all.findIndex(({ batchId }) => batchId === after.batchId) + 1 : 0;
        return all.slice(from, from + limit);
      });
      expect(new Set(served).size).toBe(served.length);
      expect(calls).toBeLessThanOrEqual(open.length);
      // If pages contained none of our batches, a few batches wait for the next survey.
      expect(served.length).toBeGreaterThanOrEqual(open.length - 3);
      if (calls < open.length) byPages += 1;
    }),
    { numRuns: 300 },
  );
  expect(byPages).toBeGreaterThan(100);
});

test('a survey of a faulty list makes at most one call per batch, and repeated surveys observe every batch', () => {
  fc.assert(
    fc.property(
      list,
      faults,
      fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
      (entries, bad, dice) => {
        const all = entries.map(({ batch }) => batch);
        const open = entries.flatMap(({ batch, isOurs }) => (isOurs ? [batch] : []));
        const chance = (share: number) => (dice.next().value ?? 0) < share;
        const everServed = new Set<string>();
        let first: readonly string[] = [];
        for (let tick = 1; tick <= 12 && everServed.size < open.length; tick += 1) {
          const { calls, served, left } = survey(
            all,
            open,
            (tick * 0.618) % 1,
            ({ after, limit }) => {
              if (chance(bad.fails)) return 'failed';
              const place =
                after && !bad.ignoresAfter ? all.findIndex((one) => one.batchId === after.batchId) + 1 : 0;
              const page = all.slice(place, place + Math.min(limit, bad.longest));
              const shown = page.filter((_, at) => at === page.length - 1 || !chance(bad.hides));
              const dated = shown.map((one) => (chance(bad.undated) ? without(one, 'createdAt') : one));
              return bad.oldestFirst ? dated.toReversed() : dated;
            },
            { account: bad.otherAccount ? 'others' : 'org', first },
          );
          expect(new Set(served).size).toBe(served.length);
          expect(calls).toBeLessThanOrEqual(open.length);
          for (const batchId of served) everServed.add(batchId);
          first = left;
        }
        expect(everServed.size).toBe(open.length);
      },
    ),
    { numRuns: 300 },
  );
});
