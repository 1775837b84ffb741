import { describe, expect, it } from 'vitest';
import { type Obstacle, RetryableError, TerminalError } from '../../../functions/shared/domain/errors.ts';
import type { BatchApi } from '../../../functions/shared/ports/ports.ts';
import { fileOf, HOUR, MINUTE, row, SmallWorld, withMethods } from '../small-world.ts';

const refusal = (waitsFor: Obstacle, said: string) => new RetryableError('refused', { waitsFor, said });

/**
 * Returns a world whose API refuses calls while `refuses` returns an error for them. It counts the refused ones by
 * method.
 */
function worldWith(refuses: (method: 'uploadFile' | 'createBatch') => Error | undefined) {
  const refused: { method: string; at: number }[] = [];
  const world: SmallWorld = new SmallWorld({
    replaced: ({ api, clock }) => ({
      api: refusing(api, refuses, (method) => refused.push({ method, at: clock.now() })),
    }),
  });
  return { world, refused };
}

function refusing(
  api: BatchApi,
  refuses: (method: 'uploadFile' | 'createBatch') => Error | undefined,
  count: (method: string) => void,
): BatchApi {
  const refuse = (method: 'uploadFile' | 'createBatch') => {
    const error = refuses(method);
    if (!error) return;
    count(method);
    throw error;
  };
  return withMethods(api, {
    uploadFile: async (...args) => {
      refuse('uploadFile');
      return api.uploadFile(...args);
    },
    createBatch: async (...args) => {
      refuse('createBatch');
      return api.createBatch(...args);
    },
  });
}

const ofModel = (model: string, ...ids: string[]) =>
  ids.map((id) => `${row(id, { body: { model, messages: [] } })}\n`).join('');

describe('an outage', () => {
  it.each(['uploadFile', 'createBatch'] as const)('of any length at %s loses nothing', async (at) => {
    let isDown = true;
    const { world } = worldWith((method) =>
      isDown && method === at ? refusal('unreachable', 'connect ECONNREFUSED') : undefined,
    );
    const jobId = await world.drop('a.jsonl', fileOf('r1', 'r2'));
    await world.work();
    await world.pass(40 * 60);
    expect(world.parts(jobId)[0]).toMatchObject({
      tries: 0,
      obstacle: { for: 'unreachable', said: 'connect ECONNREFUSED' },
    });
    expect(world.metrics.of('WaitsForConnection').length).toBeGreaterThan(100);
    expect(world.metrics.of('Stalled').length).toBeGreaterThan(0);
    isDown = false;
    await world.rest();
    expect(world.job(jobId)).toMatchObject({ status: 'completed', rows: { succeeded: 2 } });
    expect(world.parts(jobId)[0]).not.toHaveProperty('obstacle');
    expect(world.api.audit().creates).toHaveLength(1);
  });
});

describe('an account that cannot pay', () => {
  it.each(['uploadFile', 'createBatch'] as const)(
    'and refuses %s makes all files wait, and tries one at a time',
    async (at) => {
      let isBroke = true;
      const { world, refused } = worldWith((method) =>
        isBroke && method === at ? refusal('account', 'Billing hard limit has been reached') : undefined,
      );
      const jobs: string[] = [];
      for (let n = 0; n < 8; n += 1)
        jobs.push(await world.drop(`${n}.jsonl`, ofModel(n % 2 === 0 ? 'gpt-4o' : 'gpt-4o-mini', 'r1')));
      await world.work();
      expect(refused.length).toBeLessThanOrEqual(3); // the breaker is then open
      const before = refused.length;
      await world.pass(24 * 60);
      const probes = refused.slice(before).map((each) => each.at);
      expect(probes.length).toBeLessThan(60); // at most two per hour, after the first minutes
      expect(probes.length).toBeGreaterThan(40);
      for (const jobId of jobs) {
        expect(world.job(jobId).status).toBe('accepted');
        expect(world.parts(jobId)[0]).toMatchObject({
          phase: 'waiting',
          waiting: { for: 'account' },
          obstacle: { for: 'account', said: 'Billing hard limit has been reached' },
          tries: 0,
        });
      }
      expect(world.metrics.of('AccountRefused').length).toBeGreaterThan(1_000);
      expect(world.log.lines.find(({ code }) => code === 'account_refused')?.facts.said).toContain('Billing');
      isBroke = false;
      await world.pass(40);
      expect((await world.ledger.readControl()).breakers ?? []).toEqual([]);
      await world.rest();
      for (const jobId of jobs) expect(world.job(jobId).status).toBe('completed');
      expect(world.api.audit().creates).toHaveLength(jobs.length);
    },
  );

  it('does not stop the observation, cancel or delivery of running batches', async () => {
    let isBroke = false;
    const { world } = worldWith(() => (isBroke ? refusal('account', 'Pay.') : undefined));
    const running = await world.drop('running.jsonl', fileOf('r1'));
    const cancelled = await world.drop('cancelled.jsonl', fileOf('r1', 'r2'));
    await world.work();
    isBroke = true;
    for (const key of ['a', 'b', 'c', 'd']) await world.drop(`${key}.jsonl`, fileOf('r1'));
    await world.work();
    await world.cancel({ jobId: cancelled });
    await world.pass(120);
    expect(world.job(running).status).toBe('completed');
    expect(world.job(cancelled).status).toBe('cancelled');
  });
});

it('a full storage stops uploads only', async () => {
  let isFull = true;
  const { world } = worldWith((method) =>
    isFull && method === 'uploadFile' ? refusal('storage', 'Storage is full.') : undefined,
  );
  const jobs: string[] = [];
  for (const key of ['a', 'b', 'c', 'd']) jobs.push(await world.drop(`${key}.jsonl`, fileOf('r1')));
  await world.work();
  await world.pass(10);
  for (const jobId of jobs) expect(world.parts(jobId)[0]?.waiting).toMatchObject({ for: 'storage' });
  isFull = false;
  await world.rest();
  for (const jobId of jobs) expect(world.job(jobId).status).toBe('completed');
});

it('a create that is refused for the token limit makes the files of its model wait, and no others', async () => {
  let isRefused = true;
  const { world } = worldWith((method) =>
    isRefused && method === 'createBatch'
      ? refusal('token_limit', 'Enqueued token limit reached.')
      : undefined,
  );
  await world.drop('a.jsonl', ofModel('gpt-4o', 'r1'));
  await world.work();
  expect((await world.ledger.readControl()).full).toEqual(['gpt-4o']);
  expect(world.metrics.of('WaitsForTokenLimit')).toEqual([1]);
  isRefused = false;
  const same = await world.drop('b.jsonl', ofModel('gpt-4o', 'r1'));
  const other = await world.drop('c.jsonl', ofModel('gpt-4o-mini', 'r1'));
  await world.work();
  expect(world.parts(same)[0]).toMatchObject({ phase: 'waiting', waiting: { for: 'token_limit' } });
  expect(world.parts(other)[0]?.phase).toBe('running');
  // It says nothing about the account.
  expect(world.metrics.of('AccountRefused')).toEqual([]);
  expect((await world.ledger.readControl()).breakers ?? []).toEqual([]);
});

describe('a file that is not visible after its upload', () => {
  it('is waited for, however long, if the API has it', async () => {
    let isHidden = true;
    const { world } = worldWith((method) =>
      isHidden && method === 'createBatch' ? refusal('not_visible', 'Cannot find file.') : undefined,
    );
    const jobId = await world.drop('a.jsonl', fileOf('r1'));
    await world.work();
    await world.pass(6 * 60);
    expect(world.parts(jobId)[0]).toMatchObject({ tries: 0, obstacle: { for: 'not_visible' } });
    expect(world.api.audit().uploads).toHaveLength(1);
    isHidden = false;
    await world.rest();
    expect(world.job(jobId).status).toBe('completed');
  });

  it('is not uploaded again if the API refuses to say whether it has the file', async () => {
    const { world } = worldWith((method) =>
      method === 'createBatch' ? refusal('not_visible', 'Cannot find file.') : undefined,
    );
    let asked = 0;
    world.ports.api.fileBytes = async () => {
      asked += 1;
      throw new TerminalError('forbidden', 'No.');
    };
    const jobId = await world.drop('a.jsonl', fileOf('r1'));
    await world.work();
    await world.pass(3 * 60);
    expect(asked).toBeGreaterThan(0);
    expect(world.api.audit().uploads).toHaveLength(1);
    expect(world.parts(jobId)[0]?.phase).not.toBe('stalled');
  });

  it('is uploaded again if the API has lost it, three times, and then the part stalls', async () => {
    const uploads: number[] = [];
    const world = new SmallWorld({
      replaced: ({ api, clock }) => ({
        api: withMethods(api, {
          uploadFile: async (...args) => {
            uploads.push(clock.now());
            return api.uploadFile(...args);
          },
          createBatch: async () => {
            throw refusal('not_visible', 'Cannot find file.');
          },
          fileBytes: async (fileId) => {
            throw new TerminalError('file_gone', `${fileId} is gone`);
          },
        }),
      }),
    });
    const jobId = await world.drop('a.jsonl', fileOf('r1'));
    await world.work();
    await world.pass(10 * 60);
    expect(uploads).toHaveLength(4);
    expect((uploads[1] ?? 0) - (uploads[0] ?? 0)).toBeGreaterThanOrEqual(HOUR);
    expect((uploads[1] ?? 0) - (uploads[0] ?? 0)).toBeLessThan(HOUR + 20 * MINUTE);
    expect(world.parts(jobId)[0]).toMatchObject({ phase: 'stalled', stalled: { code: 'upload_lost' } });
  });
});

it('a refusal by S3 never ends a job', async () => {
  let isDenied = true;
  const world = new SmallWorld({
    replaced: ({ requestFiles }) => ({
      requestFiles: {
        ...requestFiles,
        read: (file, range) => {
          if (isDenied) throw new RetryableError('read: KMS.DisabledException', { waitsFor: 'unreachable' });
          return requestFiles.read(file, range);
        },
      },
    }),
  });
  const jobId = await world.drop('a.jsonl', fileOf('r1'));
  await world.pass(24 * 60);
  expect(world.job(jobId)).toMatchObject({ status: 'received', tries: 0, obstacle: { for: 'unreachable' } });
  isDenied = false;
  await world.rest();
  expect(world.job(jobId).status).toBe('completed');
});

it('an enqueued limit in the refusal of a create is learned, and the part runs in slices', async () => {
  const said =
    'Enqueued token limit reached for gpt-4o-mini in organization org-1. Limit: 100 enqueued tokens.';
  let limited = 1;
  const { world, refused } = worldWith((method) =>
    method === 'createBatch' && limited-- > 0 ? refusal('token_limit', said) : undefined,
  );
  const ids = Array.from({ length: 16 }, (_, n) => `row-${n}`);
  const jobId = await world.drop('a.jsonl', fileOf(...ids));
  await world.rest();
  expect(refused).toHaveLength(1);
  expect((await world.ledger.readAdmissions()).learned).toMatchObject([
    { name: 'gpt-4o-mini', counts: 'tokens', limit: 100, said },
  ]);
  expect(world.job(jobId)).toMatchObject({ status: 'completed', rows: { succeeded: ids.length } });
  expect(world.parts(jobId)[0]?.ran.length).toBeGreaterThan(2);
  expect(world.lines(`${jobId}/output.jsonl`).map(({ custom_id: id }) => id)).toEqual(ids);
  expect(world.api.files()).toEqual([]);
});

it('rows of a sliced part that a cancel leaves unsent end as cancelled', async () => {
  const said = 'Enqueued token limit reached for gpt-4o-mini. Limit: 100 enqueued tokens.';
  let limited = 1;
  const { world } = worldWith((method) =>
    method === 'createBatch' && limited-- > 0 ? refusal('token_limit', said) : undefined,
  );
  const jobId = await world.drop('a.jsonl', fileOf(...Array.from({ length: 16 }, (_, n) => `row-${n}`)));
  for (let minute = 0; minute < 300 && !world.parts(jobId)[0]?.slice; minute += 1) await world.pass(1);
  const sent = world.parts(jobId)[0]?.slice?.rows ?? 0;
  expect(sent).toBeGreaterThan(0);
  for (let minute = 0; minute < 300 && world.parts(jobId)[0]?.batch?.status !== 'in_progress'; minute += 1)
    await world.pass(1);
  await world.cancel({ jobId });
  await world.rest();
  const { status, rows } = world.job(jobId);
  expect(status).toBe('cancelled');
  expect(rows).toMatchObject({ total: 16, missing: 0, failed: 0 });
  expect(rows?.cancelled).toBeGreaterThanOrEqual(16 - sent);
});

it('rows that a slice does not send keep the result of their last attempt if a cancel ends the part', async () => {
  const said = 'Enqueued token limit reached for gpt-4o-mini. Limit: 100 enqueued tokens.';
  let creates = 0;
  const refuses = (method: string) => {
    if (method !== 'createBatch') return undefined;
    creates += 1;
    return creates === 2 ? refusal('token_limit', said) : undefined;
  };
  const world = new SmallWorld({
    fate: ({ nth }) => (nth === 1 ? { row: () => ({ statusCode: 500 }) } : { runningMs: 2 * HOUR }),
    replaced: ({ api }) => ({ api: refusing(api, refuses, () => undefined) }),
  });
  const jobId = await world.drop('a.jsonl', fileOf(...Array.from({ length: 16 }, (_, n) => `row-${n}`)));
  const part = () => world.parts(jobId)[0];
  for (let minute = 0; minute < 300 && !(part()?.slice && part()?.batch); minute += 1) await world.pass(1);
  const sent = part()?.slice?.rows ?? 0;
  expect(sent).toBeGreaterThan(0);
  await world.cancel({ jobId });
  await world.rest();
  expect(world.job(jobId)).toMatchObject({ status: 'cancelled', rows: { total: 16 } });
  const unsent = world.lines(`${jobId}/errors.jsonl`).slice(sent);
  expect(unsent).toHaveLength(16 - sent);
  for (const line of unsent) expect(line).toMatchObject({ response: { status_code: 500 }, attempts: 1 });
});
