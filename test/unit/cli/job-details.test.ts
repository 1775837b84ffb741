import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { errorReport } from '../../../bin/jobs/details/error-kinds.ts';
import { showLines } from '../../../bin/jobs/details/show-lines.ts';
import { jobDetails } from '../../../bin/jobs/job-details.ts';
import { fileOf, fileOfTwoParts, HOUR, MINUTE, SmallWorld } from '../small-world.ts';

const TOKEN_LIMIT = { code: 'token_limit_exceeded', message: 'Later.', param: null, line: null };

const detailsOf = (world: SmallWorld, jobId: string) => jobDetails(world, world.job(jobId));

describe('the details of a job', () => {
  it('are its timeline, its parts with their batches, its rows and its files', async () => {
    const world = new SmallWorld();
    const jobId = await world.drop('a.jsonl', fileOfTwoParts());
    await world.rest();
    const details = await detailsOf(world, jobId);
    expect(details.job.rows).toMatchObject({ total: 2, succeeded: 2 });
    expect(details.timeline.map(({ of, status, part }) => [of, status, part])).toEqual([
      ['job', 'received', undefined],
      ['job', 'accepted', undefined],
      ['batch', 'created', 1],
      ['batch', 'created', 2],
      ['job', 'submitted', undefined],
      ['batch', 'completed', 1],
      ['batch', 'completed', 2],
      ['job', 'completed', undefined],
    ]);
    expect(details.partCount).toBe(2);
    expect(details.parts).toMatchObject([
      { number: 1, phase: 'delivered', attempt: 1, batches: [{ status: 'completed', attempt: 1 }] },
      { number: 2, model: 'text-embedding-3-small', endpoint: '/v1/embeddings', rows: 1 },
    ]);
    expect(details.errors).toEqual({ kinds: [], rows: 0, sampled: false });
    expect(details.files.map(({ name }) => name)).toEqual(['output.jsonl', 'errors.jsonl', 'summary.json']);
    expect(details.nextStep).toBe(`To get the results: batchdrop results ${jobId.slice(0, 8)}`);
  });

  it('include the batches of earlier attempts, also those that moved to a page and those that were rejected', async () => {
    const world = new SmallWorld({
      rerun: { maxAttempts: 13 },
      fate: ({ nth }) => (nth === 1 ? { failure: [TOKEN_LIMIT] } : { row: () => ({ statusCode: 503 }) }),
    });
    const jobId = await world.drop('a.jsonl', fileOf('r1'));
    await world.rest();
    const [part] = (await detailsOf(world, jobId)).parts;
    expect(world.parts(jobId)[0]?.pastPages).toBe(1);
    expect(part?.batches.map(({ attempt }) => attempt)).toEqual(
      Array.from({ length: 14 }, (_, index) => index + 1),
    );
    expect(new Set(part?.batches.map(({ batchId }) => batchId)).size).toBe(14);
    expect(part?.batches.map(({ status }) => status)).toEqual(['failed', ...Array(13).fill('completed')]);
  });

  it('group the errors by code or status, the most frequent first', async () => {
    const world = new SmallWorld({
      rerun: { maxAttempts: 1 },
      fate: () => ({
        row: (id) => {
          if (id === 'good') return 'succeeded';
          return id === 'gone' ? 'missing' : { statusCode: id.startsWith('s') ? 500 : 400 };
        },
      }),
    });
    const jobId = await world.drop('a.jsonl', fileOf('good', 's1', 'f1', 's2', 'gone'));
    await world.rest();
    const { errors, nextStep } = await detailsOf(world, jobId);
    expect(errors).toEqual({
      kinds: [
        { code: 'http_500', count: 2, message: 'No.', customIds: ['s1', 's2'] },
        { code: 'http_400', count: 1, message: 'No.', customIds: ['f1'] },
        {
          code: 'batchdrop_missing',
          count: 1,
          message: 'the row is missing from both result files of the batch',
          customIds: ['gone'],
        },
      ],
      rows: 4,
      sampled: false,
    });
    expect(nextStep).toContain(
      `To run the 4 rows again that did not succeed: batchdrop retry ${jobId.slice(0, 8)}`,
    );
  });

  it.each([
    [['f1', 'f2'], ' --all'],
    [['f1', 'm1'], ' --missing'],
    [['f1', 'm1', 's1'], ''],
  ])('name the option without which a retry of the rows %j would run none: "%s"', async (ids, option) => {
    const status = (id: string) => ({ statusCode: id.startsWith('s') ? 503 : 400 });
    const world = new SmallWorld({
      rerun: { maxAttempts: 1 },
      fate: () => ({ row: (id) => (id.startsWith('m') ? 'missing' : status(id)) }),
    });
    const jobId = await world.drop('a.jsonl', fileOf(...ids));
    await world.rest();
    const { nextStep } = await detailsOf(world, jobId);
    expect(nextStep).toMatch(new RegExp(`: batchdrop retry ${jobId.slice(0, 8)}${option}$`));
  });

  it('say that only the first errors were read, and never count half a line', async () => {
    const world = new SmallWorld({ fate: () => ({ row: () => 'failed' }) });
    const jobId = await world.drop('a.jsonl', fileOf(...Array.from({ length: 50 }, (_, at) => `row-${at}`)));
    await world.rest();
    const { rows, sampled, kinds } = await errorReport(world.results, world.job(jobId), 2_000);
    expect(sampled).toBe(true);
    expect(rows).toBeGreaterThan(5);
    expect(rows).toBeLessThan(50);
    expect(kinds).toEqual([
      expect.objectContaining({
        code: 'http_400',
        count: rows,
        customIds: ['row-0', 'row-1', 'row-2', 'row-3', 'row-4'],
      }),
    ]);
  });

  it('say it if errors.jsonl is not there any more, or may not be read', async () => {
    const world = new SmallWorld({ fate: () => ({ row: () => 'failed' }) });
    const jobId = await world.drop('a.jsonl', fileOf('r1'));
    await world.rest();
    const job = world.job(jobId);
    const refused = {
      size: async () => 100,
      read: () => {
        throw new Error('read errors.jsonl: AccessDenied');
      },
    };
    expect(await errorReport(refused, job)).toMatchObject({ problem: 'read errors.jsonl: AccessDenied' });
    await world.results.remove([`a.jsonl/${jobId}/errors.jsonl`]);
    expect(await errorReport(world.results, job)).toMatchObject({
      problem: 'errors.jsonl is not in the bucket any more',
    });
  });

  it('count the rows that the API has processed', async () => {
    const world = new SmallWorld({ fate: () => ({ runningMs: 10 * MINUTE }) });
    const jobId = await world.drop('a.jsonl', fileOf(...Array.from({ length: 100 }, (_, at) => `row-${at}`)));
    await world.work();
    await world.pass(5);
    const { progress, nextStep } = await detailsOf(world, jobId);
    expect(progress.total).toBe(100);
    expect(progress.done).toBeGreaterThan(0);
    expect(progress.done).toBeLessThan(70);
    expect(nextStep).toBe(`0 of 1 part ended. To wait for the results: batchdrop wait ${jobId.slice(0, 8)}`);
  });
});

describe('the next step of a job names the command that ends its wait', () => {
  it('approve, if it is held', async () => {
    const world = new SmallWorld();
    const jobId = await world.drop('a.jsonl', fileOf('r1'), { 'batchdrop-hold': 'yes' });
    expect((await detailsOf(world, jobId)).nextStep).toMatch(
      new RegExp(`^Held until 20.*: .*\\. To send it: batchdrop approve ${jobId.slice(0, 8)}$`),
    );
  });

  it('resume, if submission is paused, but not while its only batch runs', async () => {
    const world = new SmallWorld();
    const running = await world.drop('a.jsonl', fileOf('r1'));
    await world.work();
    await world.ledger.replaceControl({ ...(await world.ledger.readControl()), paused: true });
    const waiting = await world.drop('b.jsonl', fileOf('r1'));
    await world.work();
    expect((await detailsOf(world, waiting)).nextStep).toBe(
      'Submission is paused. To send waiting files: batchdrop resume',
    );
    expect((await detailsOf(world, running)).nextStep).toContain('batchdrop wait');
  });

  it('cancel, if it waits for capacity that other batches have', async () => {
    const world = new SmallWorld({ limits: { maxOpenBatches: 1 }, fate: () => ({ runningMs: 10 * HOUR }) });
    await world.drop('a.jsonl', fileOf('r1'));
    await world.work();
    await world.pass(2);
    const second = await world.drop('b.jsonl', fileOf('r2'));
    await world.pass(2);
    expect((await detailsOf(world, second)).nextStep).toBe(
      `It waits: open batches. To give up: batchdrop cancel ${second.slice(0, 8)}`,
    );
  });

  it('release, if a person has to act', async () => {
    const world = new SmallWorld();
    const jobId = await world.drop('a.jsonl', fileOf('r1'));
    const [part] = world.parts(jobId);
    if (part?.phase !== 'ready') throw new Error(`it is ${part?.phase}`);
    const stalled = { code: 'create_uncertain', message: 'Two creates have no known outcome.' };
    await world.ledger.replacePart({ ...part, phase: 'stalled', stalled });
    expect((await detailsOf(world, jobId)).nextStep).toBe(
      `Part 1 is stalled: Two creates have no known outcome. First check the API, then: batchdrop release ${jobId.slice(0, 8)}`,
    );
  });

  it('the other job, if the bytes are the same', async () => {
    const world = new SmallWorld();
    const first = await world.drop('a.jsonl', fileOf('r1'));
    const second = await world.drop('a.jsonl', fileOf('r1'));
    expect((await detailsOf(world, second)).nextStep).toContain(`batchdrop show ${first.slice(0, 8)}`);
  });

  it('results, if the file was rejected', async () => {
    const world = new SmallWorld();
    const jobId = await world.drop('a.jsonl', '{"half\n');
    expect((await detailsOf(world, jobId)).nextStep).toMatch(
      /^Nothing was sent\. Fix the lines.*batchdrop results \w{8}$/,
    );
    expect((await detailsOf(world, jobId)).files.map(({ name }) => name)).toEqual(['rejected.json']);
  });

  it('wait, if it is being cancelled; and none after a cancel before anything was sent', async () => {
    const world = new SmallWorld({ fate: () => ({ runningMs: HOUR }) });
    const jobId = await world.drop('a.jsonl', fileOf('r1'));
    await world.work();
    await world.cancel({ jobId });
    expect((await detailsOf(world, jobId)).nextStep).toMatch(/^A cancel is requested.*batchdrop wait \w{8}$/);
    expect((await detailsOf(world, jobId)).timeline).toContainEqual(
      expect.objectContaining({ of: 'request', status: 'cancel requested' }),
    );
  });
});

describe('the details of a job for people', () => {
  const linesOf = async (world: SmallWorld, jobId: string, isSimulated = false) =>
    showLines(
      await detailsOf(world, jobId),
      { now: world.clock.now(), isSimulated },
      { resultsBucket: 'results' },
    ).map(stripVTControlCharacters);

  it('contain no control characters of a key, of metadata or of a message', async () => {
    const hostile = 'a\u001b[2J\u202eb';
    const failure = [{ code: hostile, message: hostile, param: null, line: null }];
    const world = new SmallWorld({ fate: () => ({ failure }) });
    const jobId = await world.drop(`${hostile}.jsonl`, fileOf(hostile), { 'batch-team': hostile });
    await world.rest();
    const lines = await linesOf(world, jobId);
    for (const line of lines) expect(line).not.toMatch(/[\p{Cc}\u202e]/u);
    expect(lines.join('\n').split('a\\u001b[2J\\u202eb').length).toBeGreaterThan(5);
  });

  it('say what was found in a rejected file, and mark simulated time', async () => {
    const world = new SmallWorld();
    const jobId = await world.drop('a.jsonl', 'x\n'.repeat(9));
    const lines = await linesOf(world, jobId, true);
    expect(lines).toContain('Timeline (UTC, simulated)');
    expect(lines.filter((line) => /^ {2}line \d: /.test(line))).toHaveLength(5);
    expect(lines).toContain('  and 4 findings more');
    expect(lines.at(-1)).toMatch(/^ {6}To get all findings: batchdrop results \w{8}$/);
  });

  it('align the timeline of several parts', async () => {
    const world = new SmallWorld();
    const second = fileOf('r2').replace('gpt-4o-mini', 'gpt-4o');
    const jobId = await world.drop('a.jsonl', fileOf('r1') + second);
    await world.rest();
    const lines = await linesOf(world, jobId);
    const entries = lines.filter((line) => /^ {2}\d{4}-\d\d-\d\d /.test(line));
    expect(entries.length).toBeGreaterThan(5);
    const statusAt = (line: string) =>
      line.search(/(?<= {2})(received|accepted|submitted|created|completed)\b/);
    expect(new Set(entries.map(statusAt))).toEqual(new Set([40]));
  });

  it('list at most 20 parts, and fit 80 columns', async () => {
    const world = new SmallWorld();
    const rows = Array.from({ length: 22 }, (_, at) =>
      fileOf(`r${at}`).replace('gpt-4o-mini', `model-${at}`),
    );
    const jobId = await world.drop('a.jsonl', rows.join(''));
    await world.rest();
    const lines = await linesOf(world, jobId);
    expect(lines.filter((line) => / batch_/.test(line) && /model-\d/.test(line))).toHaveLength(20);
    expect(lines).toContain('  and 2 parts more; --json prints them');
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
  });
});
