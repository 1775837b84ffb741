import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { objectMetadata } from '../../../bin/jobs/put-file.ts';
import { mergeRetries } from '../../../bin/jobs/retry/merge-retries.ts';
import { planRetry, type RetriedRows, type RetryPlan } from '../../../bin/jobs/retry-job.ts';
import { fileOf, SmallWorld } from '../small-world.ts';

const plans: RetryPlan[] = [];
afterEach(() => {
  for (const plan of plans.splice(0)) plan.discard();
});

/** Rows whose names begin with f, s or m fail with 400, fail with 500, or are missing. */
const fate = (healthy: () => boolean) => () => ({
  row: (id: string) => {
    if (id.startsWith('g') || healthy()) return 'succeeded' as const;
    if (id.startsWith('m')) return 'missing' as const;
    return { statusCode: id.startsWith('s') ? 500 : 400 };
  },
});

async function aWorld(...ids: string[]) {
  let healthy = false;
  const world = new SmallWorld({ rerun: { maxAttempts: 1 }, fate: fate(() => healthy) });
  const jobId = await world.drop('in/a.jsonl', fileOf(...ids), {
    'batch-team': 'red',
    'batchdrop-priority': 'low',
  });
  await world.rest();
  const plan = async (rows: RetriedRows = 'default', of = jobId) => {
    const planned = await planRetry(world, world.job(of), rows);
    plans.push(planned);
    return planned;
  };
  const send = async ({ key, file, metadata }: RetryPlan) => {
    const content = readFileSync(file?.source.path ?? '', 'utf8');
    const retry = await world.drop(key, content, objectMetadata(metadata));
    return retry;
  };
  return { world, jobId, plan, send, heal: () => (healthy = true) };
}

const idsIn = ({ file }: RetryPlan): string[] =>
  readFileSync(file?.source.path ?? '', 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).custom_id);

describe('a retry', () => {
  it.each([
    ['default', ['s1', 's2'], { rows: 2, maybeBilled: 0, left: { refused: 1, missing: 2 } }],
    ['missing', ['s1', 'm1', 's2', 'm2'], { rows: 4, maybeBilled: 2, left: { refused: 1, missing: 0 } }],
    ['all', ['s1', 'f1', 'm1', 's2', 'm2'], { rows: 5, maybeBilled: 2, left: { refused: 0, missing: 0 } }],
  ] as const)(
    'of the rows "%s" has them unchanged and in order, and counts the others',
    async (rows, ids, counts) => {
      const { plan } = await aWorld('g1', 's1', 'f1', 'g2', 'm1', 's2', 'm2', 'g3');
      const planned = await plan(rows);
      expect(idsIn(planned)).toEqual(ids);
      expect(planned).toMatchObject({ ...counts, taken: 0, key: 'in/a.retry-1.jsonl', earlier: [] });
      expect(planned.file?.estimate.cost).toMatchObject({ likely: expect.any(String) });
    },
  );

  it('keeps the metadata and instructions of its job, and names it in its events and its summary', async () => {
    const { world, jobId, plan, send, heal } = await aWorld('g1', 's1');
    heal();
    const retry = await send(await plan());
    await world.rest();
    expect(world.job(retry)).toMatchObject({
      status: 'completed',
      request: { metadata: { team: 'red' }, instructions: { priority: 'low', 'retry-of': jobId } },
      rows: { total: 1, succeeded: 1 },
    });
    const data = world.bus.published().map(({ detail }) => Object(detail.data));
    expect(data.filter((each) => each.retryOf === jobId).map(({ status }) => status)).toEqual([
      'accepted',
      'submitted',
      'completed',
    ]);
    const [, summary] =
      [...world.results.objects()].find(([key]) => key.includes(`${retry}/summary.json`)) ?? [];
    expect(JSON.parse(Buffer.from(summary?.body ?? '{}').toString())).toMatchObject({ retryOf: jobId });
  });

  it('that is repeated sends nothing twice: while it runs, after it ended, and long after that', async () => {
    const { world, plan, send } = await aWorld('g1', 's1', 's2');
    const first = await plan();
    const retry = await send(first);
    const again = await plan();
    expect(again).toMatchObject({ rows: 0, taken: 2 });
    expect(again.earlier.map(({ jobId }) => jobId)).toEqual([retry]);
    await world.rest();
    await world.pass(60 * 49);
    expect(await plan()).toMatchObject({ rows: 0, taken: 2 });
    expect(await plan('all')).toMatchObject({ rows: 0, taken: 2 });
  });

  it('at the same moment as another one joins it', async () => {
    const { world, plan, send } = await aWorld('g1', 's1', 's2');
    const both = [await plan(), await plan()];
    const [first, second] = [await send(both[0] as RetryPlan), await send(both[1] as RetryPlan)];
    await world.rest();
    expect(world.job(second)).toMatchObject({ status: 'joined', joinedJobId: first });
    expect((await plan()).earlier.map(({ jobId }) => jobId)).toEqual([first]);
  });

  it('with more rows than an earlier one has only the others', async () => {
    const { world, plan, send } = await aWorld('s1', 'f1', 'm1', 's2');
    await send(await plan());
    const more = await plan('all');
    expect(idsIn(more)).toEqual(['f1', 'm1']);
    expect(more).toMatchObject({ rows: 2, taken: 2 });
    await send(more);
    await world.rest();
    expect(await plan('all')).toMatchObject({ rows: 0, taken: 4 });
  });

  it('of a retry has the next key', async () => {
    const { world, plan, send } = await aWorld('g1', 's1');
    const retry = await send(await plan());
    await world.rest();
    expect(await plan('default', retry)).toMatchObject({ rows: 1, key: 'in/a.retry-2.jsonl' });
  });

  it('runs again after a retry that was cancelled before anything was sent', async () => {
    const { world, plan, send } = await aWorld('g1', 's1');
    const { key, metadata, file } = await plan();
    const held = { ...objectMetadata(metadata), 'batchdrop-hold': 'yes' };
    const jobId = await world.drop(key, readFileSync(file?.source.path ?? '', 'utf8'), held);
    await world.cancel({ jobId });
    await world.rest();
    const again = await plan();
    expect(again).toMatchObject({ rows: 1, earlier: [] });
    expect(world.job(await send(again)).status).not.toBe('joined');
  });

  it('of a cancelled and of an expired job has the rows that did not run', async () => {
    const world = new SmallWorld({ fate: () => ({ runningMs: 60 * 3_600_000 }) });
    const jobId = await world.drop('a.jsonl', fileOf('r1', 'r2', 'r3'));
    await world.work();
    await world.pass(3);
    await world.cancel({ jobId });
    await world.rest();
    const planned = await planRetry(world, world.job(jobId), 'default');
    plans.push(planned);
    expect(idsIn(planned)).toEqual(['r1', 'r2', 'r3']);
  });

  it.each([
    ['is not ended', (w: SmallWorld) => w.drop('a.jsonl', fileOf('r1')), /has not ended.*batchdrop wait/],
    ['was rejected', (w: SmallWorld) => w.drop('a.jsonl', 'x'), /ended as rejected, and nothing was sent/],
    [
      'joined another one',
      async (w: SmallWorld) => {
        await w.drop('a.jsonl', fileOf('r1'));
        return w.drop('a.jsonl', fileOf('r1'));
      },
      /To retry that job: batchdrop retry \w{8}$/,
    ],
  ])('is refused if the job %s', async (_, drop, sentence) => {
    const world = new SmallWorld();
    const jobId = await drop(world);
    await expect(planRetry(world, world.job(jobId), 'default')).rejects.toThrow(sentence);
  });

  it('is refused if the request file is gone, or errors.jsonl is another file', async () => {
    const { world, jobId, plan } = await aWorld('g1', 's1', 's2');
    const { request } = world.job(jobId);
    const key = `in/a.jsonl/${jobId}/errors.jsonl`;
    await world.results.put(key, '{"custom_id":"s2"}\n{"custom_id":"s1"}\n', 'application/jsonl');
    await expect(plan()).rejects.toThrow(/errors\.jsonl does not have the order of the request file/);
    world.requestFiles.remove(request);
    await expect(plan()).rejects.toThrow(/its request file is not there any more/);
  });

  it('of a job whose rows all succeeded has nothing to send', async () => {
    const { plan } = await aWorld('g1', 'g2');
    expect(await plan('all')).toMatchObject({ rows: 0, taken: 0, left: { refused: 0, missing: 0 } });
  });
});

describe('the results of a job with its retries', () => {
  const directory = mkdtempSync(join(tmpdir(), 'batchdrop-merge-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  const idsOf = (path: string): string[] =>
    readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line).custom_id);

  it('have the last line in which a row succeeded, in the order of the request file', async () => {
    const { world, jobId, plan, send, heal } = await aWorld('g1', 's1', 'f1', 'g2', 'm1', 's2', 'g3');
    const first = await send(await plan()); // s1, s2: they fail again
    await world.rest();
    heal();
    await send(await plan('default', first)); // the retry of the retry: both succeed
    await send(await plan('missing')); // m1
    await world.rest();
    const merged = await mergeRetries(world, world.job(jobId), directory);
    expect(merged).toMatchObject({ succeeded: 6, others: 1, open: [] });
    expect(merged.retries).toHaveLength(3);
    expect(idsOf(join(directory, 'output.jsonl'))).toEqual(['g1', 's1', 'g2', 'm1', 's2', 'g3']);
    expect(idsOf(join(directory, 'errors.jsonl'))).toEqual(['f1']);
    expect(readdirSync(directory).toSorted()).toEqual(['errors.jsonl', 'output.jsonl']);
  });

  it('are those of the job while a retry still runs, and name it', async () => {
    const { world, jobId, plan, send } = await aWorld('g1', 's1');
    const retry = await send(await plan());
    const merged = await mergeRetries(world, world.job(jobId), directory);
    expect(merged).toMatchObject({ succeeded: 1, others: 1, retries: [], open: [retry] });
  });

  it('are not written if the request file is gone', async () => {
    const { world, jobId } = await aWorld('g1', 's1');
    world.requestFiles.remove(world.job(jobId).request);
    const nowhere = join(directory, 'nowhere');
    await expect(mergeRetries(world, world.job(jobId), nowhere)).rejects.toThrow(/not there any more/);
    expect(readdirSync(nowhere)).toEqual([]);
  });
});
