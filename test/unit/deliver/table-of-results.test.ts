import { parse } from 'csv-parse/sync';
import { describe, expect, it } from 'vitest';
import { RetryableError } from '../../../functions/shared/domain/errors.ts';
import type { ResultStore } from '../../../functions/shared/ports/ports.ts';
import { fileOf, fileOfTwoParts, MINUTE, row, SmallWorld } from '../small-world.ts';

const AS_TABLE = { 'batchdrop-format': 'csv' };
const IDS = ['r1', 'r2', 'r3', 'r4', 'r5'];

/** Every row of a table is a piece. */
const PIECES = { tables: { pieceBytes: 1 } };

function textOf(world: SmallWorld, end: string): string | undefined {
  const [, found] = [...world.results.objects()].find(([key]) => key.endsWith(end)) ?? [];
  return found && Buffer.from(found.body).toString();
}

function rowsOf(world: SmallWorld): Record<string, string>[] {
  return parse(textOf(world, '/output.csv') ?? '', { columns: true });
}

const idsOf = (world: SmallWorld) => rowsOf(world).map(({ custom_id: id }) => id);

/** Returns the results that the job's last event names. */
function resultsOf(world: SmallWorld, jobId: string): object {
  const ends = world.bus.published().flatMap(({ detail }) => {
    const isOfJob = 'jobId' in detail.metadata && detail.metadata.jobId === jobId;
    return isOfJob && 'results' in detail.data && detail.data.results ? [detail.data.results] : [];
  });
  return ends.at(-1) ?? {};
}

/** Returns a storage whose nth call for a table takes effect, and then fails as if its response was lost. */
function losingResponse(results: ResultStore, nth: number) {
  const counted = { calls: 0 };
  const losing =
    <Args extends [string, ...unknown[]], T>(call: (...args: Args) => Promise<T>) =>
    async (...args: Args): Promise<T> => {
      const done = await call(...args);
      if (!args[0].endsWith('.csv')) return done;
      counted.calls += 1;
      if (counted.calls === nth) throw new RetryableError('the connection ended before the response');
      return done;
    };
  const store: ResultStore = {
    ...results,
    put: losing(results.put),
    beginUpload: losing(results.beginUpload),
    uploadBytes: losing(results.uploadBytes),
    uploadCopy: losing(results.uploadCopy),
    completeUpload: losing(results.completeUpload),
  };
  return { store, counted };
}

describe('a job whose results are wanted as a table', () => {
  it('has output.csv beside its other results, and says so in its event and its summary', async () => {
    const world = new SmallWorld();
    const jobId = await world.drop('a.jsonl', fileOf(...IDS), AS_TABLE);
    await world.rest();
    expect(rowsOf(world)).toMatchObject(
      IDS.map((id) => ({ custom_id: id, outcome: 'succeeded', input_tokens: '10' })),
    );
    expect(resultsOf(world, jobId)).toMatchObject({ csv: `a.jsonl/${jobId}/output.csv` });
    expect(JSON.parse(textOf(world, '/summary.json') ?? '')).toMatchObject({
      table: { file: 'output.csv', misfits: { count: 0, first: [] }, rowsWithMoreAnswers: 0 },
    });
  });

  it('is every job with the prop flatResults, except one whose file asks for none', async () => {
    const world = new SmallWorld({ tables: { always: true } });
    const wanted = await world.drop('a.jsonl', fileOf('r1'));
    const unwanted = await world.drop('b.jsonl', fileOf('r1'), { 'batchdrop-format': 'jsonl' });
    await world.rest();
    const keys = [...world.results.objects().keys()].filter((key) => key.endsWith('.csv'));
    expect(keys).toEqual([`a.jsonl/${wanted}/output.csv`]);
    expect(resultsOf(world, unwanted)).toMatchObject({ output: expect.any(String) });
    expect(resultsOf(world, unwanted)).not.toHaveProperty('csv');
  });

  it('has columns by the schema of its rows', async () => {
    const schema = { type: 'object', properties: { mood: { type: 'string' } }, required: ['mood'] };
    const request = JSON.parse(fileOf('r1'));
    request.body.response_format = { type: 'json_schema', json_schema: { name: 'x', schema } };
    const world = new SmallWorld();
    const jobId = await world.drop('a.jsonl', `${JSON.stringify(request)}\n`, AS_TABLE);
    await world.rest();
    expect(Object.keys(rowsOf(world)[0] ?? {}).slice(0, 3)).toEqual(['custom_id', 'mood', 'outcome']);
    // The fake API answers without a text.
    expect(world.job(jobId).flat).toMatchObject({
      rows: 1,
      misfits: { count: 1, first: [{ customId: 'r1', reason: 'the answer has no text' }] },
    });
  });

  it('leaves no piece of it behind', async () => {
    const world = new SmallWorld(PIECES);
    const jobId = await world.drop('a.jsonl', fileOfTwoParts(), AS_TABLE);
    await world.rest();
    expect(idsOf(world)).toEqual(['first', 'second']);
    expect(world.job(jobId).cleanedUp).toBe(true);
    expect(world.job(jobId)).not.toHaveProperty('redelivered'); // one invocation wrote all of them
    expect([...world.results.objects().keys()].filter((key) => key.includes('/table/'))).toEqual([]);
  });

  it('is rejected for another format', async () => {
    const world = new SmallWorld();
    const jobId = await world.drop('a.jsonl', fileOf('r1'), { 'batchdrop-format': 'parquet' });
    expect(world.job(jobId)).toMatchObject({
      status: 'rejected',
      findings: { first: [{ message: 'instruction batchdrop-format is "parquet"; set csv or jsonl' }] },
    });
  });
});

describe('the table of a job', () => {
  it('is resumed after each time-out, and has each row once', async () => {
    let invocation = new AbortController();
    let timeOuts = 0;
    // Each invocation that begins to write the table has only time for the first piece.
    const world: SmallWorld = new SmallWorld({
      ...PIECES,
      replaced: ({ results }) => ({
        results: {
          ...results,
          async put(key, ...rest) {
            await results.put(key, ...rest);
            if (!key.includes('/table/')) return;
            invocation.abort();
            timeOuts += 1;
          },
        },
      }),
    });
    world.deadline = (milliseconds = 10 * MINUTE) => {
      invocation = new AbortController();
      return { until: world.clock.now() + milliseconds, signal: invocation.signal };
    };
    const ids = Array.from({ length: 400 }, (_, at) => `row-${at}`);
    const jobId = await world.drop('a.jsonl', fileOf(...ids), AS_TABLE);
    await world.rest();
    expect(idsOf(world)).toEqual(ids);
    expect(world.job(jobId).flat).toMatchObject({ rows: 400, succeeded: 400 });
    expect(world.job(jobId).redelivered).toBe(true); // so the clean-up expects late writes
    expect(timeOuts).toBeGreaterThan(1);
  });

  it('goes on with the columns where the last invocation stopped, and leaves no read open', async () => {
    let invocation = new AbortController();
    let isDelivering = false;
    const reads = { open: 0, bytes: 0, timeOuts: 0 };
    // Each invocation has only time for the first chunk of the request file.
    async function* shortOfTime(chunks: AsyncIterable<Uint8Array>) {
      reads.open += 1;
      try {
        for await (const chunk of chunks) {
          reads.bytes += chunk.length;
          if (isDelivering) invocation.abort();
          reads.timeOuts += 1;
          yield chunk;
        }
      } finally {
        reads.open -= 1;
      }
    }
    const world: SmallWorld = new SmallWorld({
      ...PIECES,
      replaced: ({ requestFiles }) => ({
        requestFiles: {
          ...requestFiles,
          read: (file, range) => shortOfTime(requestFiles.read(file, range)),
        },
      }),
    });
    world.deadline = (milliseconds = 10 * MINUTE) => {
      invocation = new AbortController();
      return { until: world.clock.now() + milliseconds, signal: invocation.signal };
    };
    const ids = Array.from({ length: 600 }, (_, at) => `row-${at}`);
    const body = fileOf(...ids);
    const jobId = await world.drop('a.jsonl', body, AS_TABLE);
    for (const message of world.queues.take()) await world.submit(JSON.stringify(message));
    isDelivering = true;
    Object.assign(reads, { bytes: 0, timeOuts: 0 });
    await world.rest();
    expect(idsOf(world)).toEqual(ids);
    expect(world.job(jobId).flat).toMatchObject({ rows: 600, succeeded: 600 });
    expect(reads.open).toBe(0);
    expect(reads.timeOuts).toBeGreaterThan(6);
    expect(reads.bytes).toBeLessThan(3 * body.length); // once for the columns, once for the rows, and some rows again
  });

  it('has the same rows whichever response of its storage is lost', async () => {
    let nth = 0;
    for (let isLost = true; isLost; ) {
      nth += 1;
      let counted = { calls: 0 };
      const world = new SmallWorld({
        ...PIECES,
        replaced: ({ results }) => {
          const losing = losingResponse(results, nth);
          counted = losing.counted;
          return { results: losing.store };
        },
      });
      await world.drop('a.jsonl', fileOf(...IDS), AS_TABLE);
      await world.rest();
      isLost = counted.calls >= nth;
      expect({ nth, ids: idsOf(world) }).toEqual({ nth, ids: IDS });
      expect([...world.results.objects().keys()].filter((key) => key.includes('/table/'))).toEqual([]);
    }
    expect(nth).toBeGreaterThan(IDS.length + 1);
  });

  it('is written again when one of its pieces is gone', async () => {
    let isGone = false;
    const world: SmallWorld = new SmallWorld({
      ...PIECES,
      replaced: ({ results }) => ({
        results: {
          ...results,
          async put(key, ...rest) {
            await results.put(key, ...rest);
            if (isGone || !key.endsWith('/table/00004.csv')) return;
            isGone = true;
            await results.remove([key.replace('00004', '00002')]);
          },
        },
      }),
    });
    await world.drop('a.jsonl', fileOf(...IDS), AS_TABLE);
    await world.rest();
    expect([isGone, idsOf(world)]).toEqual([true, IDS]);
  });

  it('is left out, and the job ends, when its request file is gone', async () => {
    const world = new SmallWorld();
    const { jobId, versionId, event } = world.upload('a.jsonl', fileOf(...IDS), AS_TABLE);
    await world.intake(event);
    for (const message of world.queues.take()) await world.submit(JSON.stringify(message));
    world.requestFiles.remove({ bucket: 'requests', key: 'a.jsonl', versionId });
    await world.rest();
    expect(world.job(jobId)).toMatchObject({
      status: 'completed',
      rows: { total: 5, succeeded: 5 },
      flat: { failed: { code: 'file_gone' } },
    });
    expect(resultsOf(world, jobId)).not.toHaveProperty('csv');
    expect(JSON.parse(textOf(world, '/summary.json') ?? '')).toMatchObject({
      table: { file: null, reason: { code: 'file_gone' } },
    });
  });

  it('is left out, and the job ends, when a line is too long for the memory of the function', async () => {
    const world = new SmallWorld();
    const long = {
      body: { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'x'.repeat(17_000_000) }] },
    };
    const jobId = await world.drop('a.jsonl', `${row('r1', long)}\n`, AS_TABLE);
    await world.rest();
    expect(world.job(jobId)).toMatchObject({
      status: 'completed',
      flat: { failed: { code: 'line_too_long' } },
    });
  });

  it('is left out, and the job ends, when it cannot be written', async () => {
    const world: SmallWorld = new SmallWorld({
      replaced: ({ results }) => ({
        results: {
          ...results,
          async *read(key, range) {
            yield* results.read(key, range);
            if (key.endsWith(`/output.jsonl`)) yield Buffer.from('{"custom_id":"stranger"}\n');
          },
        },
      }),
    });
    const jobId = await world.drop('a.jsonl', fileOf(...IDS), AS_TABLE);
    await world.rest();
    expect(world.job(jobId)).toMatchObject({
      status: 'completed',
      flat: { failed: { code: 'not_written' } },
    });
    expect(world.log.lines.map(({ code }) => code)).toContain('table_not_written');
  });
});
