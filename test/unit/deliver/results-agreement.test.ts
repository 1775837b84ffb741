import { describe, expect, it } from 'vitest';
import { RetryableError, TerminalError } from '../../../functions/shared/domain/errors.ts';
import type { ObservedBatch } from '../../../functions/shared/domain/part.ts';
import type { BatchApi } from '../../../functions/shared/ports/ports.ts';
import { fileOf, HOUR, MINUTE, SmallWorld, withMethods } from '../small-world.ts';

const OK = { status_code: 200, request_id: 'req', body: {} };
const line = (customId: string, response: unknown = OK, error: unknown = null) =>
  `${JSON.stringify({ id: `batch_req_${customId}`, custom_id: customId, response, error })}\n`;
const gone = (fileId: string) => new TerminalError('file_gone', `read ${fileId}: HTTP 404`);

/** What the API says about the results of an ended batch, from `since` the end of the batch on. */
interface Answer {
  batch?: Partial<ObservedBatch>;
  /** Fields that the API does not set. */
  lacks?: ('outputFileId' | 'errorFileId' | 'counts')[];
  output?: string | Error;
  errors?: string | Error;
  /** The output file breaks off with this failure after its content. */
  breaksOff?: Error;
  retrieve?: Error;
  fileBytes?: () => Promise<number>;
}

/** Returns a world whose API answers as `answerAt` says, by the time since the batch's end in milliseconds. */
function worldOf(
  answerAt: (sinceEnd: number) => Answer,
  { end = 'completed', rerun = 1 }: { end?: string; rerun?: number } = {},
) {
  let endedAt: number | undefined;
  const deleted: string[] = [];
  const readings: { fileId: string; at: number }[] = [];
  const world = new SmallWorld({
    rerun: { maxAttempts: rerun },
    replaced: ({ api, clock }) => {
      const answer = () => answerAt(clock.now() - (endedAt ?? clock.now()));
      return { api: misbehaving(api, { answer, deleted, readings, end, now: () => clock.now(), endsAt }) };
      function endsAt(): void {
        endedAt ??= clock.now();
      }
    },
  });
  return { world, deleted, readings, sinceEnd: (at: number) => at - (endedAt ?? 0) };
}

function misbehaving(
  api: BatchApi,
  {
    answer,
    deleted,
    readings,
    end,
    now,
    endsAt,
  }: {
    answer: () => Answer;
    deleted: string[];
    readings: { fileId: string; at: number }[];
    end: string;
    now: () => number;
    endsAt: () => void;
  },
): BatchApi {
  const reported = async (batch: ObservedBatch): Promise<ObservedBatch> => {
    if (batch.status !== 'completed') return batch;
    endsAt();
    const { batch: fields = {}, lacks = [], output, errors } = answer();
    const ended: ObservedBatch = {
      ...batch,
      status: end,
      outputFileId: 'file-out',
      ...(errors === undefined ? {} : { errorFileId: 'file-err' }),
      ...(output === undefined ? {} : { outputFileId: 'file-out' }),
      ...fields,
    };
    for (const field of lacks) delete ended[field];
    return ended;
  };
  return withMethods(api, {
    retrieveBatch: async (batchId) => {
      const batch = await api.retrieveBatch(batchId);
      const { retrieve } = batch.status === 'completed' ? answer() : {};
      if (retrieve && readings.length > 0) throw retrieve;
      return reported(batch);
    },
    listBatches: async (query) => {
      const page = await api.listBatches(query);
      return { ...page, batches: await Promise.all(page.batches.map(reported)) };
    },
    fileBytes: (fileId) => {
      const { fileBytes, output, errors } = answer();
      const text = fileId === 'file-out' ? output : errors;
      return fileBytes ? fileBytes() : Promise.resolve(typeof text === 'string' ? text.length : 0);
    },
    async *readFile(fileId) {
      readings.push({ fileId, at: now() });
      const { output, errors, breaksOff } = answer();
      const text = (fileId === 'file-out' ? output : errors) ?? gone(fileId);
      if (typeof text !== 'string') throw text;
      yield Buffer.from(text);
      if (breaksOff && fileId === 'file-out') throw breaksOff;
    },
    deleteFile: async (fileId) => {
      deleted.push(fileId);
      return api.deleteFile(fileId);
    },
  });
}

const ROWS = ['r1', 'r2', 'r3'];
const FULL = ROWS.map((id) => line(id)).join('');
const ALL_SUCCEEDED = { status: 'completed', rows: { total: 3, succeeded: 3, missing: 0 } };

async function run(answerAt: (sinceEnd: number) => Answer, settings: { end?: string; rerun?: number } = {}) {
  const given = worldOf(answerAt, settings);
  const jobId = await given.world.drop('a.jsonl', fileOf(...ROWS));
  await given.world.rest();
  return { ...given, jobId, job: given.world.job(jobId) };
}

const summaryOf = (world: SmallWorld) => {
  const [, found] = [...world.results.objects()].find(([key]) => key.endsWith('/summary.json')) ?? [];
  return JSON.parse(Buffer.from(found?.body ?? '{}').toString());
};

const LATE = 5 * HOUR;
/** What the API says at first. Five hours later, it gives the right results. */
const AT_FIRST: Record<string, Answer> = {
  'no output file is named': {
    lacks: ['outputFileId'],
    batch: { counts: { total: 3, completed: 3, failed: 0 } },
  },
  'no output file is named and no rows are counted': { lacks: ['outputFileId', 'counts'] },
  'the content is not found': { output: gone('file-out') },
  'the content is refused': { output: new TerminalError('invalid_request_error', 'HTTP 400') },
  'the lines belong to other rows': { output: ['x1', 'x2', 'x3'].map((id) => line(id)).join('') },
  'some lines belong to other rows': { output: line('r1') + line('x2') + line('x3') },
  'the file ends early, between two lines': { output: line('r1') + line('r2') },
  'the file ends early, within a line': { output: FULL.slice(0, -10) },
  'the file is empty': { output: '' },
  'the read breaks off': { output: line('r1'), breaksOff: new RetryableError('reset') },
  'the file is another one': { output: 'a,b,c\n1,2,3\n' },
  'the API fails': { output: new RetryableError('HTTP 502') },
  'one line is repeated and another one is missing': { output: line('r1') + line('r1') + line('r2') },
  'the counts are zero, and the file is empty': {
    output: '',
    batch: { counts: { total: 0, completed: 0, failed: 0 } },
  },
};

describe('the results of a completed batch', () => {
  it.each(Object.entries(AT_FIRST))(
    'are not believed, lost or deleted when at first %s',
    async (_, first) => {
      const at = (sinceEnd: number) => (sinceEnd < LATE ? first : { output: FULL });
      const { world, jobId, deleted, sinceEnd, readings } = await begun(at);
      const [part] = world.parts(jobId);
      expect(part).toMatchObject({
        phase: 'batch_ended',
        tries: 0,
        resultsWait: { why: expect.any(String) },
      });
      expect(part?.stalled).toBeUndefined();
      expect(deleted).toEqual([]);
      expect([...world.results.objects().keys()].filter((key) => key.includes('/parts/'))).toEqual([]);
      await world.rest();
      expect(world.job(jobId)).toMatchObject(ALL_SUCCEEDED);
      expect(world.lines('output.jsonl').map(({ custom_id: id }) => id)).toEqual(ROWS);
      expect(summaryOf(world)).toMatchObject({ doubtfulFiles: [] });
      expect(deleted).toContain('file-out');
      expect(sinceEnd(readings.at(-1)?.at ?? 0)).toBeLessThan(LATE + 70 * MINUTE);
    },
  );

  async function begun(answerAt: (sinceEnd: number) => Answer) {
    const given = worldOf(answerAt);
    const jobId = await given.world.drop('a.jsonl', fileOf(...ROWS));
    await given.world.work();
    await given.world.pass(4 * 60);
    return { ...given, jobId };
  }

  it('are checked with pauses that grow from a minute to an hour', async () => {
    const { readings } = await run(() => ({ output: gone('file-out') }));
    const pauses = readings.slice(1).map(({ at }, index) => (at - (readings[index]?.at ?? 0)) / MINUTE);
    expect(pauses.slice(0, 7)).toEqual([1, 2, 4, 8, 16, 32, 60]);
    expect(new Set(pauses.slice(7))).toEqual(new Set([60]));
  });

  it('that never agree count as missing rows after a day, and the files remain at the API', async () => {
    const { world, job, deleted, readings, sinceEnd } = await run(() => ({
      output: line('r1') + line('x'),
      errors: gone('file-err'),
    }));
    expect(job).toMatchObject({ status: 'completed', rows: { total: 3, succeeded: 1, missing: 2 } });
    expect(sinceEnd(readings.at(-1)?.at ?? 0)).toBeGreaterThanOrEqual(24 * HOUR);
    expect(sinceEnd(readings.at(-1)?.at ?? 0)).toBeLessThan(26 * HOUR);
    expect(deleted).toEqual([job.batches && expect.any(String)]);
    expect(deleted).not.toContain('file-out');
    expect(summaryOf(world).doubtfulFiles).toMatchObject([
      { fileId: 'file-out', why: expect.stringContaining('2 of 3 rows have no line') },
      { fileId: 'file-err', why: expect.stringContaining('1 line(s) of other rows') },
    ]);
    expect(world.metrics.of('RowsMissing')).toEqual([2]);
    expect(world.log.lines.map(({ code }) => code)).toContain('results_doubtful');
  });

  it('are not accepted after a day if an earlier check saw more rows', async () => {
    const { job, readings, sinceEnd } = await run((since) => ({
      output: since > 23.5 * HOUR && since < 26 * HOUR ? line('r1') : line('r1') + line('r2'),
    }));
    expect(job).toMatchObject({ status: 'completed', rows: { total: 3, succeeded: 2, missing: 1 } });
    expect(sinceEnd(readings.at(-1)?.at ?? 0)).toBeLessThan(28 * HOUR);
  });

  it('that remain worse than before are accepted after two days', async () => {
    const { job, readings, sinceEnd } = await run((since) => ({
      output: since > 20 * HOUR ? line('r1') : line('r1') + line('r2'),
    }));
    expect(job).toMatchObject({ status: 'completed', rows: { total: 3, succeeded: 1, missing: 2 } });
    expect(sinceEnd(readings.at(-1)?.at ?? 0)).toBeGreaterThanOrEqual(48 * HOUR);
  });

  it('with a permanently damaged line are accepted after two hours, as doubtful', async () => {
    const { world, job, deleted, readings, sinceEnd } = await run(() => ({
      output: `${line('r1')}{"custom_id":"r2",\u0007\n${line('r3')}`,
    }));
    expect(job).toMatchObject({ rows: { succeeded: 2, missing: 1 } });
    const last = sinceEnd(readings.at(-1)?.at ?? 0);
    expect(last).toBeGreaterThanOrEqual(2 * HOUR);
    expect(last).toBeLessThan(4 * HOUR);
    expect(deleted).not.toContain('file-out');
    expect(summaryOf(world)).toMatchObject({
      unreadableLines: {
        count: 1,
        first: [{ fileId: 'file-out', line: 2, bytes: 19 }],
      },
      doubtfulFiles: [{ fileId: 'file-out' }],
    });
  });

  it('that change within two hours are not accepted', async () => {
    const damaged = (nth: number) => `${line('r1')}garbage ${nth}\n${line('r3')}`;
    const { job } = await run((sinceEnd) =>
      sinceEnd < 20 * HOUR ? { output: damaged(Math.floor(sinceEnd / HOUR)) } : { output: FULL },
    );
    expect(job).toMatchObject(ALL_SUCCEEDED);
  });

  it('agree at once if each row has a line, whatever the counts and lengths are', async () => {
    const { job, readings, world } = await run(() => ({
      output: FULL + line('stray'),
      batch: { counts: { total: 9, completed: 8, failed: 1 } },
      fileBytes: () => Promise.resolve(7_000_000),
    }));
    expect(job).toMatchObject(ALL_SUCCEEDED);
    expect(readings).toHaveLength(1);
    expect(world.metrics.of('ResultsWaiting')).toEqual([]);
  });

  it('agree at once when the counts are zero and each row has a line', async () => {
    const { job, readings } = await run(() => ({
      output: FULL,
      batch: { counts: { total: 0, completed: 0, failed: 0 } },
    }));
    expect(job).toMatchObject(ALL_SUCCEEDED);
    expect(readings).toHaveLength(1);
  });

  it.each([
    ['fails', () => Promise.reject(new RetryableError('HTTP 500'))],
    ['is not found', () => Promise.reject(gone('file-out'))],
    ['is odd', () => Promise.resolve(Number.NaN)],
  ])('are read although the metadata of the file %s', async (_, fileBytes) => {
    const { job, readings } = await run(() => ({ output: FULL, fileBytes }));
    expect(job).toMatchObject(ALL_SUCCEEDED);
    expect(readings).toHaveLength(1);
  });

  it.each([
    ['is unknown', new TerminalError('not_found', 'retrieve: HTTP 404')],
    ['cannot be retrieved', new RetryableError('retrieve: HTTP 502')],
  ])('are read although the batch %s after its end', async (_, retrieve) => {
    const { job, deleted } = await run((sinceEnd) => ({
      output: sinceEnd < 30 * MINUTE ? gone('file-out') : FULL,
      retrieve,
    }));
    expect(job).toMatchObject(ALL_SUCCEEDED);
    expect(deleted).toContain('file-out');
  });

  it('are read from a good output file although the error file cannot be read', async () => {
    const { job, readings } = await run(() => ({
      output: FULL,
      errors: new TerminalError('bad_id', 'an id must be letters'),
    }));
    expect(job).toMatchObject(ALL_SUCCEEDED);
    expect(readings).toHaveLength(2);
  });

  it('are what the last check found, once an operator has released the part', async () => {
    const { world, deleted } = worldOf(() => ({ output: line('r1') }));
    const jobId = await world.drop('a.jsonl', fileOf(...ROWS));
    await world.work();
    await world.pass(90);
    const [part] = world.parts(jobId);
    if (!part) throw new Error('there is no part');
    expect(part).toMatchObject({ phase: 'batch_ended' });
    await world.ledger.replacePart({ ...part, releasedAt: world.clock.now(), dueAt: world.clock.now() });
    await world.pass(2);
    expect(world.job(jobId)).toMatchObject({ status: 'completed', rows: { succeeded: 1, missing: 2 } });
    expect(summaryOf(world).doubtfulFiles).toHaveLength(1);
    expect(deleted).not.toContain('file-out');
  });

  it('of a released part are awaited while they cannot be read, and then end the part', async () => {
    const { world } = worldOf(() => ({ output: new RetryableError('HTTP 502') }));
    const jobId = await world.drop('a.jsonl', fileOf(...ROWS));
    await world.work();
    await world.pass(40 * 60);
    const [part] = world.parts(jobId);
    if (!part) throw new Error('there is no part');
    expect(part).toMatchObject({ phase: 'batch_ended' });
    await world.ledger.replacePart({ ...part, releasedAt: world.clock.now(), dueAt: world.clock.now() });
    await world.pass(2);
    expect(world.job(jobId)).toMatchObject({ status: 'completed', rows: { missing: 3 } });
  });

  it('raise an alarm after one hour, and not before', async () => {
    const { world } = worldOf(() => ({ output: '' }));
    await world.drop('a.jsonl', fileOf(...ROWS));
    await world.work();
    await world.pass(50);
    expect(world.metrics.of('ResultsWaiting')).toEqual([]);
    await world.pass(120);
    expect(world.metrics.of('ResultsWaiting').length).toBeGreaterThan(0);
  });

  it('raise an alarm ten days before the API deletes unread results', async () => {
    const { world } = worldOf(() => ({ output: new RetryableError('HTTP 502') }));
    await world.drop('a.jsonl', fileOf(...ROWS));
    await world.work();
    await world.pass(30);
    world.clock.advance(19 * 24 * HOUR);
    await world.pass(30);
    expect(world.metrics.of('ResultsExpiring')).toEqual([]);
    world.clock.advance(24 * HOUR);
    await world.pass(30);
    expect(world.metrics.of('ResultsExpiring').length).toBeGreaterThan(0);
  });
});

describe.each(['expired', 'cancelled'])('the results of a batch that ended as %s', (end) => {
  const counts = { total: 3, completed: 2, failed: 0 };
  const notRun = line('r3', null, { code: 'batch_expired', message: 'late' });

  it('agree at once if they have as many lines as the API counts rows', async () => {
    const { job, readings, deleted } = await run(
      () => ({ output: line('r1') + line('r2'), batch: { counts } }),
      {
        end,
      },
    );
    expect(job.rows).toMatchObject({ total: 3, succeeded: 2 });
    expect(readings).toHaveLength(1);
    expect(deleted).toContain('file-out');
  });

  const laterWhole: [string, Answer][] = [
    ['has fewer lines than counted rows', { output: line('r1'), errors: notRun, batch: { counts } }],
    ['is not named', { lacks: ['outputFileId'], errors: notRun, batch: { counts } }],
    ['has lines of other rows', { output: line('x1') + line('x2'), errors: notRun, batch: { counts } }],
    ['has no error file', { output: line('r1') + line('r2'), errors: gone('file-err'), batch: { counts } }],
    [
      'has no error file although the counts include failed rows',
      { output: line('r1') + line('r2'), batch: { counts: { ...counts, failed: 1 } } },
    ],
    [
      'has an error file that is shorter than stated',
      {
        output: line('r1') + line('r2'),
        errors: '',
        batch: { counts },
        fileBytes: () => Promise.resolve(FULL.length),
      },
    ],
  ];
  it.each(laterWhole)('whose output file at first %s are checked again', async (_, first) => {
    const whole: Answer = { output: line('r1') + line('r2'), errors: notRun, batch: { counts } };
    const { job, readings } = await run((sinceEnd) => (sinceEnd < HOUR ? first : whole), { end });
    expect(job.rows).toMatchObject({ total: 3, succeeded: 2, [end]: 1, missing: 0 });
    expect(readings.length).toBeGreaterThan(2);
  });

  it('without counts agree once they are unchanged for an hour', async () => {
    const { job, readings, sinceEnd, deleted } = await run(
      (since) => ({ output: since < 30 * MINUTE ? line('r1') : line('r1') + line('r2'), lacks: ['counts'] }),
      { end },
    );
    expect(job.rows).toMatchObject({ total: 3, succeeded: 2 });
    const last = sinceEnd(readings.at(-1)?.at ?? 0);
    expect(last).toBeGreaterThanOrEqual(90 * MINUTE);
    expect(last).toBeLessThan(3 * HOUR);
    expect(deleted).toContain('file-out');
  });
});

describe('the results of a failed batch', () => {
  it('without files and counts agree at once, as none', async () => {
    const { job, readings } = await run(() => ({ lacks: ['outputFileId', 'counts'] }), { end: 'failed' });
    expect(job).toMatchObject({ status: 'failed', rows: { failed: 3 } });
    expect(readings).toEqual([]);
  });

  it('that names an output file are checked again until the file can be read', async () => {
    const { job, deleted } = await run(
      (sinceEnd) => ({
        output: sinceEnd < HOUR ? gone('file-out') : line('r1'),
        batch: { counts: { total: 3, completed: 1, failed: 0 } },
      }),
      { end: 'failed' },
    );
    expect(job.rows).toMatchObject({ succeeded: 1, failed: 2 });
    expect(deleted).toContain('file-out');
  });
});
