import { describe, expect, it } from 'vitest';
import { RetryableError } from '../../../functions/shared/domain/errors.ts';
import { LATE_WRITES_MS } from '../../../functions/shared/domain/timing.ts';
import type { ResultStore } from '../../../functions/shared/ports/ports.ts';
import { fileOf, MINUTE, SmallWorld } from '../small-world.ts';

const pieces = (world: SmallWorld) =>
  [...world.results.objects().keys()].filter((key) => key.startsWith('_batchdrop/'));

/** A delivery that stands still where its first piece is about to become visible, while `meanwhile` happens. */
async function overtaken(
  meanwhile: (world: SmallWorld) => Promise<void>,
  results: (fakes: ResultStore) => Partial<ResultStore> = () => ({}),
): Promise<{ world: SmallWorld; jobId: string }> {
  let stands = true;
  const world: SmallWorld = new SmallWorld({
    replaced: (fakes) => ({
      results: {
        ...fakes.results,
        openWriter(key, contentType) {
          const writer = fakes.results.openWriter(key, contentType);
          return {
            ...writer,
            async close() {
              if (stands) {
                stands = false;
                world.clock.advance(11 * MINUTE); // its lease has passed
                await meanwhile(world);
              }
              return writer.close();
            },
          };
        },
        ...results(fakes.results),
      },
    }),
  });
  const jobId = await world.drop('a.jsonl', fileOf('r1', 'r2'));
  await world.rest();
  expect(stands).toBe(false);
  return { world, jobId };
}

describe('a delivery that was overtaken', () => {
  it('removes what it wrote after its job was cleaned', async () => {
    const { world, jobId } = await overtaken((w) => w.rest());
    expect(world.job(jobId)).toMatchObject({ status: 'completed', cleanedUp: true });
    expect(pieces(world)).toEqual([]);
    expect(world.lines('output.jsonl')).toHaveLength(2);
  });

  it('leaves it to the job when it cannot remove it', async () => {
    let fails = false;
    const { world, jobId } = await overtaken(
      async (w) => {
        await w.rest();
        fails = true;
      },
      (results) => ({
        async remove(keys) {
          if (!fails) return results.remove(keys);
          fails = false;
          throw new RetryableError('not now');
        },
      }),
    );
    expect(fails).toBe(false);
    expect(pieces(world)).toEqual([]);
    expect(world.job(jobId).cleanedUp).toBe(true);
  });

  it('may die after it wrote: the job is looked at once more, half an hour after it was cleaned', async () => {
    const late = 'a late piece';
    let written = '';
    const { world, jobId } = await overtaken(async (w) => {
      for (let minute = 0; minute < 60 && w.ledger.jobs()[0]?.secondCleanUpAt === undefined; minute += 1)
        await w.pass(1);
      expect(w.ledger.jobs()[0]).toHaveProperty('secondCleanUpAt');
      expect(pieces(w)).toEqual([]);
      const [part] = w.ledger.parts();
      written = `_batchdrop/jobs/${part?.jobId}/parts/00001/${part?.deliveryIds?.[0]}/output.jsonl`;
      await w.results.put(written, late, 'application/jsonl');
      await w.pass(LATE_WRITES_MS / MINUTE - 2);
      expect(pieces(w)).toEqual([written]);
      await w.rest();
    });
    expect(written).not.toBe('');
    expect(pieces(world)).toEqual([]);
    expect(world.job(jobId).cleanedUp).toBe(true);
  });
});

it('a delivery that is done, and only does not hear of it, keeps its pieces', async () => {
  let lost = false;
  const world = new SmallWorld({
    replaced: ({ ledger }) => ({
      ledger: {
        ...ledger,
        async replacePart(part) {
          const answer = await ledger.replacePart(part);
          if (!part.delivered || lost) return answer;
          lost = true;
          throw new RetryableError('the answer was lost');
        },
      },
    }),
  });
  const jobId = await world.drop('a.jsonl', fileOf('r1', 'r2'));
  await world.rest();
  expect(lost).toBe(true);
  expect(world.jobStatuses(jobId).at(-1)).toBe('completed');
  expect(world.lines('output.jsonl')).toHaveLength(2);
});

it('a job of which no delivery was overtaken is cleaned once', async () => {
  const world = new SmallWorld();
  const jobId = await world.drop('a.jsonl', fileOf('r1'));
  await world.rest();
  expect(world.job(jobId)).not.toHaveProperty('secondCleanUpAt');
  expect(world.clock.now() - world.job(jobId).changedAt).toBeLessThan(LATE_WRITES_MS);
});
