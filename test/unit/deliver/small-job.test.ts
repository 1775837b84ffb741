import { describe, expect, it } from 'vitest';
import { RetryableError } from '../../../functions/shared/domain/errors.ts';
import type { Ports } from '../../../functions/shared/ports/ports.ts';
import { fileOf, fileOfTwoParts, SmallWorld, withMethods } from '../small-world.ts';

/** What the job cost. */
const COST = 'cost';

type Settings = ConstructorParameters<typeof SmallWorld>[0];

/** Returns a world whose results bucket records the keys of its writes, without the folder of the job. */
function recorded(settings: Settings = {}): { world: SmallWorld; writes: string[] } {
  const writes: string[] = [];
  const note = (key: string) =>
    writes.push(
      key
        .replace(/^_batchdrop\/jobs\/[^/]*\/(parts|plans)\/.*\//, '$1: ')
        .replace(/^_batchdrop\/costs\/.*/, COST)
        .replace(/^.*\//, ''),
    );
  const world = new SmallWorld({
    ...settings,
    replaced: (fakes: Ports) => {
      const others = settings.replaced?.(fakes) ?? {};
      const results = others.results ?? fakes.results;
      const put: typeof results.put = (key, body, contentType) => {
        note(key);
        return results.put(key, body, contentType);
      };
      const openWriter: typeof results.openWriter = (key, contentType) => {
        note(key);
        return results.openWriter(key, contentType);
      };
      return { ...others, results: { ...results, put, openWriter } };
    },
  });
  return { world, writes };
}

const ROW_TABLE = 'plans: 00001.rows';
const RESULTS = ['output.jsonl', 'errors.jsonl', COST, 'summary.json'];

describe('the results of a small job', () => {
  it('are written at once, without pieces', async () => {
    const { world, writes } = recorded();
    const jobId = await world.drop('a.jsonl', fileOf('r1', 'r2'));
    await world.rest();
    expect(writes).toEqual([ROW_TABLE, ...RESULTS]);
    expect(world.job(jobId)).toMatchObject({ status: 'completed', rows: { total: 2, succeeded: 2 } });
    expect(world.lines('output.jsonl').map((line) => line.custom_id)).toEqual(['r1', 'r2']);
    expect(world.lines('errors.jsonl')).toEqual([]);
  });

  it('are written again when the delivery crashes before it is recorded', async () => {
    let died = false;
    const { world, writes } = recorded({
      replaced: ({ ledger }) => ({
        ledger: {
          ...ledger,
          async replacePart(part) {
            if (!part.delivered || died) return ledger.replacePart(part);
            died = true;
            throw new RetryableError('the ledger is not reached');
          },
        },
      }),
    });
    const jobId = await world.drop('a.jsonl', fileOf('r1', 'r2'));
    await world.rest();
    expect(died).toBe(true);
    const [output, errors, ...ofTheJob] = RESULTS;
    expect(writes).toEqual([ROW_TABLE, output, errors, output, errors, ...ofTheJob]);
    expect(world.jobStatuses(jobId)).toEqual(['accepted', 'submitted', 'completed']);
    expect(world.lines('output.jsonl')).toHaveLength(2);
  });

  it('need only what is of the whole job when the job could not end at once', async () => {
    let fails = 2;
    const { world, writes } = recorded({
      replaced: ({ results }) => ({
        results: {
          ...results,
          async put(key, body, contentType) {
            if (key.endsWith('/summary.json') && fails > 0) {
              fails -= 1;
              throw new RetryableError('slow down');
            }
            return results.put(key, body, contentType);
          },
        },
      }),
    });
    const jobId = await world.drop('a.jsonl', fileOf('r1', 'r2'));
    await world.rest();
    expect(fails).toBe(0);
    expect(writes).toEqual([ROW_TABLE, ...RESULTS, COST, 'summary.json', COST, 'summary.json']);
    expect(world.jobStatuses(jobId)).toEqual(['accepted', 'submitted', 'completed']);
    expect(world.log.lines.filter(({ code }) => code === 'piece_gone')).toEqual([]);
  });
});

it.each([
  ['is recorded before it reads the results, and so before its first piece', 1_001, true],
  ['of a small part is not: repeating it costs less than the write', 1_000, false],
])('a delivery %s', async (_, rows, isRecorded) => {
  const recordedAt: boolean[] = [];
  const world: SmallWorld = new SmallWorld({
    replaced: ({ api }) => ({
      api: withMethods(api, {
        readFile(fileId) {
          recordedAt.push(world.ledger.parts()[0]?.deliveryIds !== undefined);
          return api.readFile(fileId);
        },
      }),
    }),
  });
  const jobId = await world.drop('a.jsonl', fileOf(...Array.from({ length: rows }, (_, at) => `r${at}`)));
  await world.rest();
  expect(recordedAt.length).toBeGreaterThan(0);
  expect(recordedAt.every((one) => one === isRecorded)).toBe(true);
  expect(world.job(jobId)).toMatchObject({ status: 'completed', rows: { succeeded: rows } });
});

describe('pieces are written', () => {
  it('for a job of several parts, except pieces without lines', async () => {
    const { world, writes } = recorded();
    await world.drop('a.jsonl', fileOfTwoParts());
    await world.rest();
    expect(writes.filter((key) => key.startsWith('parts: '))).toEqual(
      ['rows.states', 'output.jsonl', 'rows.states', 'output.jsonl'].map((name) => `parts: ${name}`),
    );
    expect(writes.slice(-4)).toEqual(RESULTS);
  });

  it('when the API has no line for a row, because another delivery may find one', async () => {
    const { world, writes } = recorded({
      fate: () => ({ failure: [{ code: 'x', message: 'm', param: null, line: 1 }] }),
    });
    const jobId = await world.drop('a.jsonl', fileOf('r1', 'r2'));
    await world.rest();
    expect(world.job(jobId).status).toBe('failed');
    expect(writes).toContain('parts: rows.states');
    expect(world.lines('errors.jsonl')).toHaveLength(2);
  });
});
