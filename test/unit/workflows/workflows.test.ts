import { describe, expect, it } from 'vitest';
import { createHandler as answerHandler } from '../../../functions/answer/handler.ts';
import { taskAnswer } from '../../../functions/answer/task-answer.ts';
import { jobStatusExamples } from '../../../functions/shared/contract/examples.ts';
import { TASK_LIMITS } from '../../../functions/shared/contract/messages/start-request.ts';
import { RetryableError } from '../../../functions/shared/domain/errors.ts';
import { callbackIdOf } from '../../../functions/shared/domain/workflows/callback.ts';
import { createHandler as startHandler } from '../../../functions/start/handler.ts';
import { withFaults } from '../../fakes/faulty.ts';
import { fileOf, fileOfTwoParts, HOUR, MINUTE, REQUESTS, row } from '../small-world.ts';
import { SOURCES, WaitingWorld } from './state-machine.ts';

const TOKEN = 'AQCEAAAAKgAAAAMAAAAAAAAAAU-first'.padEnd(2_048, 'x');
const OTHER = 'AQCEAAAAKgAAAAMAAAAAAAAAAU-second'.padEnd(2_048, 'y');

const FAILS = { failure: [{ code: 'invalid_model', message: 'no such model', param: null, line: 1 }] };

/** A world in which one execution waits for the job of a file. */
async function waiting(
  settings?: ConstructorParameters<typeof WaitingWorld>[0],
  body = fileOf('r1', 'r2'),
  metadata: Record<string, string> = {},
) {
  const world = new WaitingWorld(settings);
  world.copies.put(SOURCES, 'a.jsonl', body, metadata);
  await world.begin(TOKEN);
  const [jobId = ''] = await world.intakeCopies();
  return { world, jobId };
}

describe('a task that waits for a job', () => {
  it('gets the event of its end as its output, once the results are stored', async () => {
    const { world, jobId } = await waiting();
    await world.work();
    await world.tellEnds();
    expect(world.endOf(TOKEN)).toBeUndefined();
    await world.rest();
    await world.tellEnds();
    expect(world.endOf(TOKEN)).toMatchObject({
      output: {
        metadata: { jobId },
        data: {
          status: 'completed',
          rows: { total: 2, succeeded: 2 },
          results: { output: `a.jsonl/${jobId}/output.jsonl` },
        },
      },
    });
    expect(world.bus.published().map(({ detail }) => detail)).toContainEqual(
      Object(world.endOf(TOKEN)).output,
    );
  });

  it('fails as rejected, with the first findings', async () => {
    const { world, jobId } = await waiting({}, `${row('r1')}\nno JSON\n${row('r1')}\n`);
    await world.tellEnds();
    expect(world.endOf(TOKEN)).toMatchObject({
      error: 'Batchdrop.Rejected',
      cause: {
        jobId,
        status: 'rejected',
        message: expect.stringMatching(
          /^the file was rejected before anything was sent: 2 finding\(s\), .*line 2/,
        ),
        requestFile: { bucket: REQUESTS, key: 'a.jsonl' },
        findings: { count: 2, first: [{ line: 2 }, { line: 3 }] },
        report: { key: `a.jsonl/${jobId}/rejected.json` },
      },
    });
  });

  it('fails as failed, with the reason', async () => {
    const { world, jobId } = await waiting({ fate: () => FAILS });
    await world.rest();
    await world.tellEnds();
    expect(world.job(jobId).status).toBe('failed');
    expect(world.endOf(TOKEN)).toMatchObject({
      error: 'Batchdrop.Failed',
      cause: { jobId, message: world.job(jobId).reason?.message, reason: world.job(jobId).reason },
    });
  });

  it('fails as cancelled', async () => {
    const { world, jobId } = await waiting({ fate: () => ({ runningMs: 2 * HOUR }) });
    await world.work();
    await world.cancel({ jobId });
    await world.rest();
    await world.tellEnds();
    expect(world.endOf(TOKEN)).toMatchObject({
      error: 'Batchdrop.Cancelled',
      cause: { jobId, rows: { total: 2 }, results: { summary: `a.jsonl/${jobId}/summary.json` } },
    });
  });

  it('fails as expired, with the place of the results of the rows that ran', async () => {
    const { world, jobId } = await waiting({
      fate: () => ({ runningMs: 48 * HOUR }),
      rerun: { maxAttempts: 1 },
    });
    await world.rest();
    await world.tellEnds();
    expect(world.endOf(TOKEN)).toMatchObject({
      error: 'Batchdrop.Expired',
      cause: { jobId, results: { output: `a.jsonl/${jobId}/output.jsonl` } },
    });
  });

  it('is answered once, however often the end is told', async () => {
    const { world, jobId } = await waiting();
    await world.rest();
    await world.tellEnds();
    await world.answer(jobId);
    await world.answer(jobId);
    expect(world.tasks.answers()).toBe(1);
  });

  it('is answered once although the ledger did not learn of the first answer', async () => {
    const { world, jobId } = await waiting();
    await world.rest();
    const { save } = world.callbacks;
    world.callbacks.save = async () => {
      world.callbacks.save = save;
      throw new RetryableError('the ledger is not reachable');
    };
    await expect(world.tellEnds()).rejects.toThrow('not reachable');
    await world.answer(jobId); // the queue delivers the message again
    expect(world.endOf(TOKEN)).toMatchObject({ output: { metadata: { jobId } } });
    expect(world.callbacks.all()).toMatchObject([{ settledAt: world.clock.now() }]);
  });

  it('is answered at the next delivery if Step Functions cannot be reached', async () => {
    const { world, jobId } = await waiting();
    await world.rest();
    const { succeed } = world.tasks;
    world.tasks.succeed = async () => {
      world.tasks.succeed = succeed;
      throw new RetryableError('throttled');
    };
    await expect(world.tellEnds()).rejects.toThrow('throttled');
    expect(world.endOf(TOKEN)).toBeUndefined();
    await world.answer(jobId);
    expect(world.endOf(TOKEN)).toMatchObject({ output: { metadata: { jobId } } });
  });

  it('that timed out is left alone, and its token is removed', async () => {
    const { world } = await waiting();
    world.tasks.timeOut(TOKEN);
    await world.rest();
    await world.tellEnds();
    expect(world.endOf(TOKEN)).toBe('timed out');
    expect(JSON.stringify(world.callbacks.all())).not.toContain(TOKEN);
    await world.tellEnds();
    expect(world.tasks.answers()).toBe(1);
  });

  it('that timed out long ago has no record any more', async () => {
    const { world, jobId } = await waiting({ fate: () => ({ runningMs: 2 * HOUR }) });
    world.tasks.timeOut(TOKEN);
    await world.rest();
    world.clock.advance(3 * 24 * HOUR);
    expect(world.callbacks.all()).toEqual([]);
    await world.answer(jobId);
    expect(world.tasks.answers()).toBe(0);
  });

  it('is served although the job has no other trace of it than the id', async () => {
    const { world, jobId } = await waiting();
    await world.rest();
    await world.tellEnds();
    const said = [
      world.job(jobId),
      world.parts(jobId),
      world.bus.published(),
      world.log.lines,
      world.api.audit(),
      world.copies.made(),
      world.callbacks.all(),
    ];
    expect(JSON.stringify(said)).not.toContain(TOKEN.slice(0, 32));
    expect(world.job(jobId).request.instructions).toEqual({ callback: callbackIdOf(TOKEN) });
  });
});

describe('a task whose file joins another job', () => {
  const LONG = { fate: () => ({ runningMs: 2 * HOUR }) };

  it('follows the running job that it joined', async () => {
    const { world, jobId } = await waiting(LONG);
    await world.work();
    await world.begin(OTHER);
    const [second = ''] = await world.intakeCopies();
    await world.tellEnds();
    expect(world.job(second)).toMatchObject({ status: 'joined', joinedJobId: jobId });
    expect(world.endOf(OTHER)).toBeUndefined();
    await world.rest();
    await world.tellEnds();
    for (const token of [TOKEN, OTHER])
      expect(world.endOf(token)).toMatchObject({ output: { metadata: { jobId } } });
    expect(world.api.audit().creates).toHaveLength(1);
    expect(world.tasks.answers()).toBe(2);
  });

  it('joins before anything was sent, instead of replacing the job of the first task', async () => {
    const { world, jobId } = await waiting();
    await world.begin(OTHER);
    const [second = ''] = await world.intakeCopies();
    expect(world.job(second)).toMatchObject({ status: 'joined', joinedJobId: jobId });
    expect(world.job(jobId).cancelRequestedAt).toBeUndefined();
  });

  it('is answered at once if the job that it joined has ended', async () => {
    const { world, jobId } = await waiting();
    await world.rest();
    await world.tellEnds();
    await world.begin(OTHER);
    await world.intakeCopies();
    await world.tellEnds();
    expect(world.endOf(OTHER)).toMatchObject({ output: { metadata: { jobId } } });
  });

  it('is answered although the end of the other job was told before the join', async () => {
    const { world, jobId } = await waiting(LONG);
    await world.work();
    await world.begin(OTHER);
    const [second = ''] = await world.intakeCopies();
    await world.rest();
    await world.answer(jobId); // EventBridge keeps no order
    expect(world.endOf(OTHER)).toBeUndefined();
    await world.answer(second);
    expect(world.endOf(OTHER)).toMatchObject({ output: { metadata: { jobId } } });
  });

  it('is answered although the other job ends while it begins to follow', async () => {
    const { world, jobId } = await waiting(LONG);
    await world.work();
    await world.begin(OTHER);
    const [second = ''] = await world.intakeCopies();
    let endsMeanwhile = true;
    const ledger = {
      readJob: async (id: string) => {
        const open = await world.ledger.readJob(id);
        if (id !== jobId || !endsMeanwhile) return open;
        endsMeanwhile = false;
        await world.rest();
        await world.answer(jobId);
        return open; // as it was before the end
      },
    };
    await world.answer(second, { ledger });
    expect(world.endOf(OTHER)).toMatchObject({ output: { metadata: { jobId } } });
  });

  it('follows the job of a plain upload, too', async () => {
    const world = new WaitingWorld(LONG);
    const uploaded = await world.drop('a.jsonl', fileOf('r1'));
    await world.work();
    world.copies.put(SOURCES, 'a.jsonl', fileOf('r1'));
    await world.begin(TOKEN);
    await world.intakeCopies();
    await world.rest();
    await world.tellEnds();
    expect(world.endOf(TOKEN)).toMatchObject({ output: { metadata: { jobId: uploaded } } });
  });

  it.each([
    ['cancelled', 'Batchdrop.Cancelled', LONG, fileOf('r1')],
    ['failed', 'Batchdrop.Failed', { fate: () => FAILS }, fileOf('r1')],
  ] as const)('fails as %s if the job that it joined does', async (how, error, settings, body) => {
    const { world, jobId } = await waiting(settings, body);
    if (how === 'cancelled') await world.work();
    await world.begin(OTHER);
    const [second = ''] = await world.intakeCopies();
    expect(world.job(second).status).toBe('joined');
    if (how === 'cancelled') await world.cancel({ jobId });
    await world.rest();
    await world.tellEnds();
    for (const token of [TOKEN, OTHER]) expect(world.endOf(token)).toMatchObject({ error, cause: { jobId } });
  });

  it('follows a job that replaced the job of its file before anything was sent', async () => {
    const { world, jobId } = await waiting();
    const newer = await world.drop('a.jsonl', fileOf('r1', 'r2'), { 'batch-team': 'search' });
    await world.rest();
    expect(world.job(jobId)).toMatchObject({ status: 'cancelled', supersededBy: newer });
    await world.tellEnds();
    expect(world.endOf(TOKEN)).toMatchObject({ output: { metadata: { jobId: newer } } });
  });

  it('runs again after a failed try of the task, under a token of its own', async () => {
    const { world } = await waiting({ fate: ({ nth }) => (nth === 1 ? FAILS : {}) });
    await world.rest();
    await world.tellEnds();
    await world.begin(OTHER);
    const [again = ''] = await world.intakeCopies();
    await world.rest();
    await world.tellEnds();
    expect(world.endOf(OTHER)).toMatchObject({ output: { metadata: { jobId: again } } });
  });
});

describe('the start of a task', () => {
  it('copies the file under the request prefix, with its metadata for Batchdrop and the callback', async () => {
    const world = new WaitingWorld({ requestPrefix: 'in/' });
    world.copies.put(SOURCES, 'x/ü.jsonl', fileOf('r1'), {
      'batch-team': 'search',
      'batchdrop-priority': 'low',
      'batchdrop-callback': 'of a source that was a copy itself',
      camera: 'irrelevant'.repeat(100),
    });
    await world.begin(TOKEN, { key: 'x/ü.jsonl' });
    expect(world.copies.made()).toEqual([
      {
        bucket: REQUESTS,
        key: 'in/x/ü.jsonl',
        body: fileOf('r1'),
        metadata: {
          'batch-team': 'search',
          'batchdrop-priority': 'low',
          'batchdrop-callback': callbackIdOf(TOKEN),
        },
      },
    ]);
  });

  it('copies a request file onto itself, so that it joins the job of the upload', async () => {
    const world = new WaitingWorld({ requestPrefix: 'in/' });
    world.copies.put(REQUESTS, 'in/a.jsonl', fileOf('r1'));
    const uploaded = await world.drop('in/a.jsonl', fileOf('r1'));
    await world.begin(TOKEN, { bucket: REQUESTS, key: 'in/a.jsonl' });
    const [copy = ''] = await world.intakeCopies();
    expect(world.job(copy)).toMatchObject({ status: 'joined', joinedJobId: uploaded });
  });

  it.each([
    ['no bucket', { bucket: '' }, 'Batchdrop.InvalidInput', 'bucket'],
    ['a bucket that is none', { bucket: 'arn:aws:s3:::x' }, 'Batchdrop.InvalidInput', 'bucket'],
    ['no key', { key: '' }, 'Batchdrop.InvalidInput', 'key'],
    ['a key that is too long', { key: 'k'.repeat(1_025) }, 'Batchdrop.InvalidInput', 'key'],
    ['a key that is too long with the prefix', { key: 'k'.repeat(1_024) }, 'Batchdrop.InvalidInput', 'key'],
    ['a file that is missing', { key: 'b.jsonl' }, 'Batchdrop.SourceMissing', 'sources/b.jsonl'],
    ['a file that may not be read', { bucket: 'secrets' }, 'Batchdrop.SourceDenied', 'secrets'],
  ])('fails by name with %s, and keeps no token', async (_, input, name, message) => {
    const world = new WaitingWorld({ requestPrefix: 'in/' });
    world.copies.put(SOURCES, 'k'.repeat(1_024), fileOf('r1'));
    world.copies.deny('secrets');
    const failure = await world.begin(TOKEN, input).then(
      () => undefined,
      (thrown: Error) => thrown,
    );
    expect(failure).toMatchObject({ name, message: expect.stringContaining(message) });
    expect(String(failure?.stack)).not.toContain(TOKEN);
    expect(world.callbacks.all()).toEqual([]);
    expect(world.copies.made()).toEqual([]);
  });

  it.each([undefined, null, {}, 'text', { bucket: 'sources', key: 'a', timeoutSeconds: 60 }])(
    'fails by name with the input %j',
    async (input) => {
      const world = new WaitingWorld();
      const handle = startHandler({
        ...world.ports,
        callbacks: world.callbacks,
        copies: world.copies,
        requestBucket: REQUESTS,
        requestPrefix: '',
      });
      await expect(handle(input, world.deadline())).rejects.toMatchObject({ name: 'Batchdrop.InvalidInput' });
    },
  );

  it('fails if the file is replaced while it is copied, and removes the token', async () => {
    const world = new WaitingWorld();
    world.copies.put(SOURCES, 'a.jsonl', fileOf('r1'));
    const copies = withFaults(world.copies, (method) => {
      if (method === 'copy') world.copies.put(SOURCES, 'a.jsonl', fileOf('r2'));
      return 'ok';
    });
    await expect(world.begin(TOKEN, {}, { copies })).rejects.toMatchObject({
      name: 'Batchdrop.SourceChanged',
    });
    expect(world.callbacks.all()).toMatchObject([{ settledAt: world.clock.now() }]);
    expect(JSON.stringify(world.callbacks.all())).not.toContain(TOKEN);
  });

  it('that failed before the copy was made may be repeated; so may one that failed after it', async () => {
    for (const fault of ['failBefore', 'failAfter'] as const) {
      const world = new WaitingWorld();
      world.copies.put(SOURCES, 'a.jsonl', fileOf('r1'));
      const failure = new RetryableError('S3 is slow');
      const copies = withFaults(world.copies, (method) =>
        method === 'copy'
          ? fault === 'failBefore'
            ? { failBefore: failure }
            : { failAfter: failure }
          : 'ok',
      );
      await expect(world.begin(TOKEN, {}, { copies })).rejects.toMatchObject({
        name: 'Batchdrop.NotStarted',
        message: 'S3 is slow',
      });
      await world.begin(OTHER); // the task is tried again
      await world.intakeCopies();
      await world.rest();
      await world.tellEnds();
      expect(world.endOf(OTHER)).toMatchObject({ output: { data: { status: 'completed' } } });
      expect(world.endOf(TOKEN)).toBeUndefined();
      expect(world.api.audit().creates).toHaveLength(1);
    }
  });

  it('stores the token before it copies', async () => {
    const world = new WaitingWorld();
    world.copies.put(SOURCES, 'a.jsonl', fileOf('r1'));
    let stored: unknown;
    const copies = withFaults(world.copies, (method) => {
      if (method === 'copy') [stored] = world.callbacks.all();
      return 'ok';
    });
    await world.begin(TOKEN, { timeoutSeconds: 60 }, { copies });
    expect(stored).toEqual({
      callbackId: callbackIdOf(TOKEN),
      taskToken: TOKEN,
      bucket: REQUESTS,
      key: 'a.jsonl',
      expiresAt: world.clock.now() + MINUTE + 24 * HOUR,
    });
  });

  it('refuses a file of more bytes than a request file may have, and copies nothing', async () => {
    const world = new WaitingWorld();
    world.copies.put(SOURCES, 'a.jsonl', 'x');
    const facts = await world.copies.look({ bucket: SOURCES, key: 'a.jsonl' });
    const copies = { ...world.copies, look: async () => facts && { ...facts, size: 50_000_000_001 } };
    await expect(world.begin(TOKEN, {}, { copies })).rejects.toMatchObject({
      name: 'Batchdrop.Rejected',
      message: expect.stringContaining('50000000001 bytes'),
    });
    expect(world.copies.made()).toEqual([]);
  });
});

it('the end of a job for which no task waits changes nothing, whether it ran or followed another job', async () => {
  const world = new WaitingWorld({ fate: () => ({ runningMs: 2 * HOUR }) });
  const first = await world.drop('a.jsonl', fileOf('r1'));
  await world.work();
  const second = await world.drop('a.jsonl', fileOf('r1'));
  expect(world.job(second)).toMatchObject({ status: 'joined', joinedJobId: first });
  await world.rest();
  const before = world.log.lines.length;
  for (const jobId of [first, second]) await world.answer(jobId);
  expect(world.log.lines.slice(before)).toEqual([]);
  expect(world.tasks.answers()).toBe(0);
});

describe('a callback that its file does not own', () => {
  it('is ignored: a copy of the metadata on another key answers nothing', async () => {
    const { world } = await waiting({ fate: () => ({ runningMs: 2 * HOUR }) });
    const forged = await world.drop('other.jsonl', 'no JSON\n', {
      'batchdrop-callback': callbackIdOf(TOKEN),
    });
    await world.tellEnds();
    expect(world.job(forged).status).toBe('rejected');
    expect(world.endOf(TOKEN)).toBeUndefined();
  });

  it('is ignored if nobody waits', async () => {
    const world = new WaitingWorld();
    const jobId = await world.drop('a.jsonl', fileOf('r1'), { 'batchdrop-callback': callbackIdOf('none') });
    await world.rest();
    await world.tellEnds();
    expect(world.job(jobId).status).toBe('completed');
    expect(world.tasks.answers()).toBe(0);
  });

  it('rejects the file if it is no id at all', async () => {
    const world = new WaitingWorld();
    const jobId = await world.drop('a.jsonl', fileOf('r1'), { 'batchdrop-callback': TOKEN.slice(0, 100) });
    expect(world.job(jobId)).toMatchObject({
      status: 'rejected',
      findings: { first: [{ code: 'invalid_instruction' }] },
    });
  });
});

describe('a message to ANSWER', () => {
  it.each(['', 'no JSON', '{}', '{"detail":{"metadata":{}}}'])(
    'that is %j is kept as evidence',
    async (body) => {
      const world = new WaitingWorld();
      const handle = answerHandler({ ...world.ports, callbacks: world.callbacks, tasks: world.tasks });
      await expect(handle(body)).rejects.toMatchObject({ code: 'unreadable_message' });
    },
  );

  it('about a job that the ledger does not know, or that has not ended, is kept as evidence', async () => {
    const { world, jobId } = await waiting();
    await expect(world.answer(jobId)).rejects.toMatchObject({ code: 'unknown_end' });
    await expect(world.answer('a'.repeat(26))).rejects.toMatchObject({ code: 'unknown_end' });
  });

  it('answers all tasks that wait for one job', async () => {
    const world = new WaitingWorld({ fate: () => ({ runningMs: 2 * HOUR }) });
    world.copies.put(SOURCES, 'a.jsonl', fileOf('r1'));
    const tokens = Array.from({ length: 60 }, (_, nth) => `token-${nth}`);
    for (const token of tokens) await world.begin(token);
    await world.intakeCopies();
    await world.rest();
    await world.tellEnds();
    expect(tokens.filter((token) => Object(world.endOf(token)).output === undefined)).toEqual([]);
    expect(world.api.audit().creates).toHaveLength(1);
  });
});

describe('the cause of a failure', () => {
  it.each(['rejected', 'failed', 'expired', 'cancelled'] as const)(
    'of a job that is %s fits its limits',
    (status) => {
      const { detail } = jobStatusExamples[status];
      const answer = taskAnswer(detail);
      if (!('error' in answer)) throw new Error('it is no failure');
      expect(answer.error.length).toBeLessThanOrEqual(TASK_LIMITS.errorLength);
      expect(JSON.parse(answer.cause)).toMatchObject({ jobId: detail.metadata.jobId, status });
    },
  );

  it('is valid JSON within the limit, however long the findings and the metadata are', () => {
    const { detail } = jobStatusExamples.rejected;
    const long = 'ü'.repeat(3_000);
    const first = Array.from({ length: 20 }, (_, nth) => ({ line: nth + 1, code: 'x', message: long }));
    for (const tags of [{}, { team: 'ü'.repeat(40_000) }]) {
      const data = { ...detail.data, metadata: tags, findings: { count: 99, first } };
      const answer = taskAnswer({ ...detail, data });
      const { cause = '' } = { ...answer } as { cause?: string };
      expect(Buffer.byteLength(cause)).toBeLessThanOrEqual(TASK_LIMITS.causeLength);
      expect(JSON.parse(cause)).toMatchObject({ jobId: detail.metadata.jobId, findings: { count: 99 } });
      expect(JSON.parse(cause).findings.first.length).toBeGreaterThan(0);
    }
  });
});

it('a file of two parts is one task', async () => {
  const { world, jobId } = await waiting({}, fileOfTwoParts());
  await world.rest();
  await world.tellEnds();
  expect(world.endOf(TOKEN)).toMatchObject({ output: { metadata: { jobId }, data: { rows: { total: 2 } } } });
});
