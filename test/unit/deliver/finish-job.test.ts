import { describe, expect, it } from 'vitest';
import { RetryableError, TerminalError } from '../../../functions/shared/domain/errors.ts';
import type { BatchApi, Ports } from '../../../functions/shared/ports/ports.ts';
import { withFaults } from '../../fakes/faulty.ts';
import { fileOf, fileOfTwoParts, HOUR, MINUTE, SmallWorld, withMethods } from '../small-world.ts';

const OK = { status_code: 200, request_id: 'req', body: {} };
const line = (customId: string, response: unknown = OK, error: unknown = null) =>
  JSON.stringify({ id: `batch_req_${customId}`, custom_id: customId, response, error });

/** Runs one file to the end of its job. */
async function delivered(
  replaced: (fakes: Ports) => Partial<Ports>,
  text = fileOf('r1', 'r2', 'r3'),
): Promise<{ world: SmallWorld; jobId: string }> {
  const world = new SmallWorld({ replaced });
  const jobId = await world.drop('a.jsonl', text);
  await world.rest();
  return { world, jobId };
}

const idsIn = (world: SmallWorld, end: string) => world.lines(end).map((entry) => entry.custom_id);

/** Returns a world in which something happens just before a summary is written. */
function beforeSummary(
  happens: (world: SmallWorld) => Promise<unknown>,
  settings: ConstructorParameters<typeof SmallWorld>[0] = {},
): SmallWorld {
  const world: SmallWorld = new SmallWorld({
    ...settings,
    replaced: ({ results }) => ({
      results: {
        ...results,
        async put(key, body, contentType) {
          if (key.endsWith('/summary.json')) await happens(world);
          return results.put(key, body, contentType);
        },
      },
    }),
  });
  return world;
}

const cancelJob = (world: SmallWorld) => world.cancel({ jobId: world.ledger.jobs()[0]?.jobId });

/** Cancels the batch of a job that runs, and returns the job. */
async function withCancelledBatch(world: SmallWorld): Promise<string> {
  const jobId = await world.drop('a.jsonl', fileOf('r1'));
  await world.work();
  await world.pass(2);
  await world.cancel({ batchId: world.parts(jobId)[0]?.batch?.batchId });
  return jobId;
}

const summary = (world: SmallWorld) => stored(world, '/summary.json');

/** Returns the contents of the only JSON object whose key ends so. */
function stored(world: SmallWorld, end: string): object {
  const [, found] = [...world.results.objects()].find(([key]) => key.endsWith(end)) ?? [];
  return JSON.parse(Buffer.from(found?.body ?? '{}').toString());
}

describe('the end of a job', () => {
  it('has a summary with its status, its rows and its parts', async () => {
    const { world, jobId } = await delivered(() => ({}), fileOfTwoParts());
    expect(summary(world)).toMatchObject({
      jobId,
      status: 'completed',
      reason: null,
      rows: { total: 2, succeeded: 2 },
      parts: [1, 2].map((partNumber) => ({
        partNumber,
        rows: { total: 1, succeeded: 1 },
        status: 'completed',
      })),
    });
    expect(idsIn(world, 'output.jsonl')).toEqual(['first', 'second']);
    expect(world.job(jobId).usage).toMatchObject({ totalTokens: 30 });
  });

  it.each([
    ['of one part', fileOf('r1')],
    ['of two parts', fileOfTwoParts()],
  ])('%s is the same in its summary, even if a frozen invocation writes that late', async (_, text) => {
    const late: (() => Promise<void>)[] = [];
    const world: SmallWorld = new SmallWorld({
      replaced: ({ results }) => ({
        results: {
          ...results,
          async put(key, body, contentType) {
            const write = () => results.put(key, body, contentType);
            if (late.length === 2 || !/costs|summary/.test(key)) return write();
            late.push(write);
            world.clock.advance(20 * MINUTE); // past its lease
            throw new RetryableError('no answer');
          },
        },
      }),
    });
    const jobId = await world.drop('a.jsonl', text);
    await world.rest();
    expect(late).toHaveLength(2);
    for (const write of late) await write();
    const endedAt = new Date(world.job(jobId).changedAt).toISOString();
    expect(summary(world)).toMatchObject({ status: 'completed', endedAt });
    expect(stored(world, `/${jobId}.json`)).toMatchObject({ status: 'completed', endedAt });
  });

  it('keeps a cancel request that arrives while the results are assembled, as the outcome event announced', async () => {
    const world = beforeSummary(cancelJob);
    const jobId = await world.drop('a.jsonl', fileOf('r1'));
    await world.rest();
    expect(world.outcomes()).toEqual(['requested']);
    expect(world.job(jobId)).toMatchObject({ status: 'completed', cancelRequestedAt: expect.any(Number) });
  });

  it.each([
    ['job', 'on a request of 2026-'],
    ['batch', 'on a request of 2026-'],
    ['nothing of ours', 'at the API'],
  ])('after a cancel of its %s says when that was requested', async (what, said) => {
    const world = new SmallWorld({ fate: () => ({ runningMs: 2 * HOUR }) });
    const jobId = await world.drop('a.jsonl', fileOf('r1'));
    await world.work();
    await world.pass(2);
    const batchId = world.parts(jobId)[0]?.batch?.batchId ?? '';
    if (what === 'job') await world.cancel({ jobId });
    else if (what === 'batch') await world.cancel({ batchId });
    else await world.api.cancelBatch(batchId); // by another program
    await world.rest();
    expect(world.job(jobId)).toMatchObject({ status: 'cancelled', reason: { code: 'cancelled' } });
    expect(world.job(jobId).reason?.message).toContain(`cancelled ${said}`);
  });

  it('after two cancels says when the one was requested that had an effect', async () => {
    const later = (world: SmallWorld) => {
      world.clock.advance(MINUTE);
      return cancelJob(world);
    };
    const world = beforeSummary(later, { fate: () => ({ runningMs: 2 * HOUR }) });
    const jobId = await withCancelledBatch(world);
    const requested = new Date(world.parts(jobId)[0]?.cancelRequestedAt ?? 0).toISOString();
    await world.rest();
    const reason = { code: 'cancelled', message: `cancelled on a request of ${requested}` };
    expect(world.job(jobId)).toMatchObject({ cancelRequestedAt: expect.any(Number), reason });
    expect(summary(world)).toMatchObject({ status: 'cancelled', reason });
  });

  it('has the reason that its summary has, if a newer file replaces it meanwhile', async () => {
    const replace = async (world: SmallWorld) => {
      const [job] = world.ledger.jobs();
      if (job && job.supersededBy === undefined)
        await world.ledger.replaceJob({ ...job, supersededBy: 'newer' });
    };
    const world = beforeSummary(replace, { fate: () => ({ runningMs: 2 * HOUR }) });
    const jobId = await withCancelledBatch(world);
    await world.rest();
    const { reason } = world.job(jobId);
    expect(reason?.code).toBe('superseded');
    expect(summary(world)).toMatchObject({ status: 'cancelled', reason });
  });

  it('is in its summary, even if an invocation that saw the job before it was replaced writes that last', async () => {
    let invocations = 0;
    const endByAnother = async (world: SmallWorld) => {
      invocations += 1;
      const [job] = world.ledger.jobs();
      if (invocations > 1 || !job) return;
      await world.ledger.replaceJob({ ...job, supersededBy: 'newer' });
      await world.deliver(JSON.stringify({ jobId: job.jobId }));
      expect(world.job(job.jobId).status).toBe('cancelled');
    };
    const world = beforeSummary(endByAnother, { fate: () => ({ runningMs: 2 * HOUR }) });
    const jobId = await withCancelledBatch(world);
    await world.rest();
    expect(invocations).toBeGreaterThan(1);
    expect(summary(world)).toMatchObject({ status: 'cancelled', reason: { code: 'superseded' } });
    expect(world.job(jobId).reason?.code).toBe('superseded');
  });

  it('leaves no file at the API, and only the result files that users read', async () => {
    const { world, jobId } = await delivered(() => ({}), fileOfTwoParts());
    expect(world.api.files()).toEqual([]);
    const folder = `a.jsonl/${jobId}`;
    expect([...world.results.objects().keys()].sort()).toEqual([
      expect.stringMatching(`^_batchdrop/costs/date=\\d{4}-\\d\\d-\\d\\d/${jobId}.json$`),
      ...['errors.jsonl', 'output.jsonl', 'summary.json'].map((name) => `${folder}/${name}`),
    ]);
  });

  it('keeps the files at the API if keepFiles is set', async () => {
    const kept = new SmallWorld();
    const other = await kept.drop('a.jsonl', fileOf('r1'));
    for (const message of kept.queues.take()) await kept.submit(JSON.stringify(message));
    for (let minute = 0; minute < 10; minute += 1) {
      kept.clock.advance(MINUTE);
      await kept.poll();
      for (const message of kept.queues.take())
        await kept.deliver(JSON.stringify(message), kept.deadline(), true);
    }
    expect(kept.job(other)).toMatchObject({ status: 'completed', cleanedUp: true });
    expect(kept.api.files()).toHaveLength(2);
  });

  it('is published only when every result file can be read', async () => {
    const world = new SmallWorld({
      replaced: ({ bus, results }) => ({
        bus: {
          async publish(events) {
            for (const { detail } of events) {
              if (!('results' in detail.data) || detail.data.results === undefined) continue;
              const { output, errors, summary: summaryKey } = detail.data.results;
              for (const key of [output, errors, summaryKey]) expect(await results.size(key)).toBeDefined();
            }
            return bus.publish(events);
          },
        },
      }),
    });
    const jobId = await world.drop('a.jsonl', fileOf('r1'));
    await world.rest();
    expect(world.jobStatuses(jobId).at(-1)).toBe('completed');
  });

  it.each([
    [
      'completed and failed',
      'completed',
      [{}, { failure: [{ code: 'x', message: 'm', param: null, line: 1 }] }],
    ],
    [
      'both failed',
      'failed',
      [1, 2].map(() => ({ failure: [{ code: 'x', message: 'm', param: null, line: 1 }] })),
    ],
    ['completed and expired', 'expired', [{}, { runningMs: 48 * HOUR }]],
    [
      'failed and expired',
      'expired',
      [{ failure: [{ code: 'x', message: 'm', param: null, line: 1 }] }, { runningMs: 48 * HOUR }],
    ],
  ])('whose batches %s has the status %s', async (_, status, fates) => {
    const world = new SmallWorld({ fate: ({ nth }) => fates[nth - 1] ?? {}, rerun: { maxAttempts: 1 } });
    const jobId = await world.drop('a.jsonl', fileOfTwoParts());
    await world.rest();
    expect(world.job(jobId).status).toBe(status);
    expect(world.job(jobId).rows?.total).toBe(2);
    expect(world.jobStatuses(jobId)).toEqual(['accepted', 'submitted', status]);
  });
});

describe('large results', () => {
  const MEGABYTE = 1024 * 1024;
  /** Returns the API with one result line of this many MiB for each of the two parts. */
  const large = (api: BatchApi, sizes: number[]): BatchApi => {
    const bodyOf = (fileId: string) => {
      const first = fileId.endsWith('first');
      const body = 'x'.repeat((sizes[first ? 0 : 1] ?? 0) * MEGABYTE);
      return `${line(first ? 'first' : 'second', { ...OK, body })}\n`;
    };
    return withMethods(api, {
      async retrieveBatch(batchId) {
        const batch = await api.retrieveBatch(batchId);
        const id = batch.metadata.batchdrop_part === '1' ? 'first' : 'second';
        return batch.outputFileId === undefined ? batch : { ...batch, outputFileId: `file-${id}` };
      },
      fileBytes: async (fileId) => bodyOf(fileId).length,
      async *readFile(fileId) {
        yield Buffer.from(bodyOf(fileId));
      },
    });
  };

  it.each([
    ['both large', [6, 7]],
    ['the first small', [1, 12]],
    ['the last small', [6, 1]],
    ['both small', [1, 1]],
  ])('are assembled in order: %s', async (_, sizes) => {
    const { world } = await delivered(({ api }) => ({ api: large(api, sizes) }), fileOfTwoParts());
    expect(idsIn(world, '/output.jsonl')).toEqual(['first', 'second']);
    expect(world.results.openUploads()).toEqual([]);
  });

  it('are resumed where a failed invocation stopped', async () => {
    const uploads: number[] = [];
    let failures = 1;
    const { world } = await delivered(
      ({ api, results }) => ({
        api: large(api, [6, 7]),
        results: withFaults(results, (method, args) => {
          if (method !== 'uploadCopy') return 'ok';
          const number = Number(args[2]);
          if (number === 2 && failures > 0) {
            failures -= 1;
            return { failBefore: new RetryableError('slow down') };
          }
          uploads.push(number);
          return 'ok';
        }),
      }),
      fileOfTwoParts(),
    );
    expect(uploads).toEqual([1, 2]); // the first one was not copied again
    expect(idsIn(world, '/output.jsonl')).toEqual(['first', 'second']);
  });

  it('are assembled again when the multipart upload is lost', async () => {
    let lost = 1;
    const { world, jobId } = await delivered(
      ({ api, results }) => ({
        api: large(api, [6, 7]),
        results: withFaults(results, (method, args) => {
          if (method !== 'uploadCopy' || Number(args[2]) !== 2 || lost === 0) return 'ok';
          lost -= 1;
          return { failBefore: new TerminalError('NoSuchUpload', 'the upload is unknown') };
        }),
      }),
      fileOfTwoParts(),
    );
    expect(idsIn(world, '/output.jsonl')).toEqual(['first', 'second']);
    expect(world.log.lines.map(({ code }) => code)).toContain('assembly_lost');
    expect(world.job(jobId).assembly).toBeUndefined();
    expect(world.results.openUploads()).toEqual([]); // the abandoned upload is aborted
  });

  it('are assembled again when a piece is gone, and the started upload is aborted', async () => {
    let removes = true;
    const { world, jobId } = await delivered(
      ({ api, results }) => ({
        api: large(api, [6, 7]),
        results: {
          ...results,
          async uploadCopy(key, uploadId, number, source) {
            if (removes && number === 2) {
              removes = false;
              await results.remove([source.key]);
            }
            return results.uploadCopy(key, uploadId, number, source);
          },
        },
      }),
      fileOfTwoParts(),
    );
    expect(removes).toBe(false);
    expect(world.job(jobId)).toMatchObject({ status: 'completed', rows: { succeeded: 2 } });
    expect(idsIn(world, '/output.jsonl')).toEqual(['first', 'second']);
    expect(world.results.openUploads()).toEqual([]);
  });
});
