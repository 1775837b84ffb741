import { describe, expect, it } from 'vitest';
import { RetryableError, TerminalError } from '../../../functions/shared/domain/errors.ts';
import type { BatchApi, Ports } from '../../../functions/shared/ports/ports.ts';
import { withFaults } from '../../fakes/faulty.ts';
import { fileOf, HOUR, MINUTE, REQUESTS, SmallWorld, withMethods } from '../small-world.ts';

const OK = { status_code: 200, request_id: 'req', body: {} };
const line = (customId: string, response: unknown = OK, error: unknown = null) =>
  JSON.stringify({ id: `batch_req_${customId}`, custom_id: customId, response, error });

/** Returns the API with these lines in the result files of every batch. */
function withResultLines(api: BatchApi, output: string[] | undefined, errors: string[] = []): BatchApi {
  const files: Record<string, string> = {
    'file-out': (output ?? []).map((text) => `${text}\n`).join(''),
    'file-err': errors.map((text) => `${text}\n`).join(''),
  };
  return withMethods(api, {
    async retrieveBatch(batchId) {
      const { outputFileId, errorFileId, ...batch } = await api.retrieveBatch(batchId);
      if (outputFileId === undefined && errorFileId === undefined) return batch;
      return {
        ...batch,
        ...(output ? { outputFileId: 'file-out' } : {}),
        ...(errors.length > 0 ? { errorFileId: 'file-err' } : {}),
      };
    },
    fileBytes: async (fileId) => Buffer.byteLength(files[fileId] ?? ''),
    async *readFile(fileId) {
      yield Buffer.from(files[fileId] ?? '');
    },
  });
}

async function delivered(
  replaced: (fakes: Ports) => Partial<Ports>,
  text = fileOf('r1', 'r2', 'r3'),
): Promise<{ world: SmallWorld; jobId: string }> {
  const world = new SmallWorld({ replaced, rerun: { maxAttempts: 1 } });
  const jobId = await world.drop('a.jsonl', text);
  await world.rest();
  return { world, jobId };
}

const idsIn = (world: SmallWorld, end: string) => world.lines(end).map((entry) => entry.custom_id);

describe('the results of a batch', () => {
  it('are sorted by the status of each row, whichever file contains it', async () => {
    const { world, jobId } = await delivered(({ api }) => ({
      api: withResultLines(
        api,
        [line('r2'), line('r1', { status_code: 0 })],
        [line('r3', { status_code: 429 })],
      ),
    }));
    expect(idsIn(world, 'output.jsonl')).toEqual(['r2']);
    expect(idsIn(world, 'errors.jsonl')).toEqual(['r1', 'r3']);
    expect(world.job(jobId)).toMatchObject({
      status: 'completed',
      rows: { total: 3, succeeded: 1, failed: 2 },
    });
  });

  it('without a success give an empty output file, and the job is completed', async () => {
    const { world, jobId } = await delivered(({ api }) => ({
      api: withResultLines(
        api,
        undefined,
        ['r1', 'r2', 'r3'].map((id) => line(id, { status_code: 400 })),
      ),
    }));
    expect(idsIn(world, 'output.jsonl')).toEqual([]);
    expect([...world.results.objects().keys()].some((key) => key.endsWith('output.jsonl'))).toBe(true);
    expect(world.job(jobId)).toMatchObject({ status: 'completed', rows: { failed: 3 } });
  });

  it('are kept byte for byte, with unusual spacing', async () => {
    const odd = `{ "custom_id" : "r1", "response" : {"status_code":200,"body":"\\u00fc ü"}, "error":null }`;
    const { world } = await delivered(({ api }) => ({
      api: withResultLines(api, [odd, line('r2'), line('r3')]),
    }));
    const [, output] = [...world.results.objects()].find(([key]) => key.endsWith('/output.jsonl')) ?? [];
    expect(Buffer.from(output?.body ?? '').toString()).toBe(`${odd}\n${line('r2')}\n${line('r3')}\n`);
  });

  it('with unknown ids, repeated ids or unreadable lines put these lines into the anomalies file', async () => {
    const strange = [
      line('nobody'),
      line('r1', { status_code: 500 }),
      'garbage',
      JSON.stringify({ id: 'x' }),
    ];
    const { world, jobId } = await delivered(({ api }) => ({
      api: withResultLines(
        api,
        [line('r1'), line('r2'), ...strange],
        [line('r3', null, { code: 'x' }), line('r3')],
      ),
    }));
    expect(world.job(jobId).rows).toMatchObject({ total: 3, succeeded: 3, failed: 0 });
    expect(idsIn(world, 'output.jsonl')).toEqual(['r1', 'r2', 'r3']); // the success of r3 takes precedence over its failure
    const [, anomalies] =
      [...world.results.objects()].find(([key]) => key.endsWith('/anomalies.jsonl')) ?? [];
    expect(Buffer.from(anomalies?.body ?? '').toString()).toBe(
      `${strange.join('\n')}\n${line('r3', null, { code: 'x' })}\n`,
    );
    expect(summary(world)).toMatchObject({ anomalies: 5 });
  });

  it('without a line for some rows get an error line for each of them', async () => {
    const { world, jobId } = await delivered(({ api }) => ({ api: withResultLines(api, [line('r2')]) }));
    expect(world.job(jobId)).toMatchObject({
      status: 'completed',
      rows: { total: 3, succeeded: 1, missing: 2 },
    });
    expect(world.lines('errors.jsonl')).toEqual(
      ['r1', 'r3'].map((customId) => ({
        id: null,
        custom_id: customId,
        response: null,
        error: {
          code: 'batchdrop_missing',
          message: 'the row is missing from both result files of the batch',
        },
        attempts: 1,
      })),
    );
  });

  it('of an expired batch are its finished rows, with the others as expired', async () => {
    const world = new SmallWorld({ fate: () => ({ runningMs: 48 * HOUR }), rerun: { maxAttempts: 1 } });
    const jobId = await world.drop('a.jsonl', fileOf('r1', 'r2', 'r3', 'r4'));
    await world.rest();
    expect(world.job(jobId)).toMatchObject({
      status: 'expired',
      rows: { total: 4, succeeded: 1, expired: 3 },
    });
    expect(world.lines('errors.jsonl').map((entry) => entry.error)).toMatchObject(
      Array.from({ length: 3 }, () => ({ code: 'batch_expired' })),
    );
  });

  it('of a cancelled batch are its finished rows, with the others as cancelled', async () => {
    const world = new SmallWorld({ fate: () => ({ runningMs: HOUR }) });
    const jobId = await world.drop('a.jsonl', fileOf('r1', 'r2', 'r3', 'r4'));
    await world.work();
    await world.pass(32);
    await world.cancel({ jobId });
    await world.rest();
    expect(world.job(jobId)).toMatchObject({
      status: 'cancelled',
      rows: { total: 4, succeeded: 2, cancelled: 2 },
    });
  });

  it('of a failed batch are its errors, with every row as failed', async () => {
    const failure = [{ code: 'model_not_found', message: 'No such model.', param: null, line: 1 }];
    const world = new SmallWorld({ fate: () => ({ failure }) });
    const jobId = await world.drop('a.jsonl', fileOf('r1'));
    await world.rest();
    expect(world.job(jobId)).toMatchObject({ status: 'failed', reason: { code: 'model_not_found' } });
    expect(world.lines('errors.jsonl')).toMatchObject([
      { custom_id: 'r1', error: { code: 'batch_failed', message: 'not run: No such model.' } },
    ]);
  });

  it('are complete although the request file was deleted', async () => {
    const world = new SmallWorld();
    const { jobId, event, versionId } = world.upload('a.jsonl', fileOf('r1', 'r2', 'r3'));
    await world.intake(event);
    await world.work();
    world.requestFiles.remove({ bucket: REQUESTS, key: 'a.jsonl', versionId });
    await world.rest();
    expect(world.job(jobId)).toMatchObject({ status: 'completed', rows: { total: 3, succeeded: 3 } });
  });
});

function summary(world: SmallWorld): object {
  const [, found] = [...world.results.objects()].find(([key]) => key.endsWith('/summary.json')) ?? [];
  return JSON.parse(Buffer.from(found?.body ?? '{}').toString());
}

describe('a download', () => {
  it('that is cut short is repeated, and no row counts as missing', async () => {
    let cuts = 2;
    const { world, jobId } = await delivered(({ api }) => ({
      api: withMethods(api, {
        async *readFile(fileId) {
          cuts -= 1;
          for await (const chunk of api.readFile(fileId)) {
            // The content ends between two lines, as if it were complete.
            yield cuts >= 0 ? chunk.subarray(0, Buffer.from(chunk).indexOf('\n') + 1) : chunk;
          }
        },
      }),
    }));
    expect(cuts).toBeLessThan(0);
    expect(world.job(jobId).rows).toMatchObject({ total: 3, succeeded: 3, missing: 0 });
    expect(world.results.openUploads()).toEqual([]);
  });

  it('that keeps failing is repeated until it works, however long that takes', async () => {
    let down = true;
    const world = new SmallWorld({
      replaced: ({ api }) => ({
        api: withFaults(api, (method) =>
          method === 'readFile' && down ? { failBefore: new RetryableError('502') } : 'ok',
        ),
      }),
    });
    const jobId = await world.drop('a.jsonl', fileOf('r1'));
    await world.work();
    await world.pass(30 * 60);
    expect(world.parts(jobId)[0]).toMatchObject({ phase: 'batch_ended', tries: 0 });
    expect(world.parts(jobId)[0]?.stalled).toBeUndefined();
    expect(world.metrics.of('ResultsWaiting').length).toBeGreaterThan(20);
    down = false;
    await world.rest();
    expect(world.job(jobId)).toMatchObject({ status: 'completed', rows: { total: 1, succeeded: 1 } });
    expect(world.parts(jobId)[0]?.resultsWait).toBeUndefined();
  });

  it('of a file that the API no longer has counts its rows as missing and logs the loss', async () => {
    const { world, jobId } = await delivered(({ api }) => ({
      api: withFaults(api, (method) =>
        method === 'readFile' ? { failBefore: new TerminalError('file_gone', 'expired') } : 'ok',
      ),
    }));
    expect(world.job(jobId)).toMatchObject({ status: 'completed', rows: { total: 3, missing: 3 } });
    expect(world.log.lines.map(({ code }) => code)).toContain('results_doubtful');
  });

  it('stops when its invocation is aborted', async () => {
    const world = new SmallWorld();
    const jobId = await world.drop('a.jsonl', fileOf('r1'));
    for (const message of world.queues.take())
      if ('ref' in message) await world.submit(JSON.stringify(message));
    world.clock.advance(10 * MINUTE);
    await world.poll();
    const [message] = world.queues.take('deliver');
    await world.deliver(JSON.stringify(message), { ...world.deadline(), signal: AbortSignal.abort() });
    expect(world.parts(jobId)[0]?.delivered).toBeUndefined();
    await world.rest();
    expect(world.job(jobId).status).toBe('completed');
  });
});
