import { describe, expect, it } from 'vitest';
import { CommonestError } from '../../../functions/deliver/part/commonest-error.ts';
import type { BatchApi } from '../../../functions/shared/ports/ports.ts';
import { fileOf, fileOfTwoParts, SmallWorld, withMethods } from '../small-world.ts';

const failed = (customId: string, status: number, error: object) =>
  JSON.stringify({
    id: `batch_req_${customId}`,
    custom_id: customId,
    response: { status_code: status, request_id: `req_${customId}`, body: { error } },
    error: null,
  });

/** Returns the API with the error file lines that `answer` returns. */
function withErrors(api: BatchApi, answer: (customId: string) => string): BatchApi {
  return withMethods(api, {
    async *readFile(fileId) {
      const pieces: Uint8Array[] = [];
      for await (const piece of api.readFile(fileId)) pieces.push(piece);
      const lines = Buffer.concat(pieces).toString().trimEnd().split('\n');
      const ids = lines.map((line): string => JSON.parse(line).custom_id);
      yield Buffer.from(ids.map((id) => `${answer(id)}\n`).join(''));
    },
  });
}

async function jobWith(answer: (customId: string) => string, text: string) {
  const world = new SmallWorld({
    fate: () => ({ row: () => 'failed' }),
    replaced: ({ api }) => ({ api: withErrors(api, answer) }),
  });
  const jobId = await world.drop('a.jsonl', text);
  await world.rest();
  const event = world.bus.published().at(-1)?.detail.data;
  const [, summary] = [...world.results.objects()].find(([key]) => key.endsWith('/summary.json')) ?? [];
  return { job: world.job(jobId), event, summary: JSON.parse(Buffer.from(summary?.body ?? '{}').toString()) };
}

describe('a completed job without a successful row', () => {
  it('has its most frequent error, and how many rows have it, in the job, its event and the summary', async () => {
    const { job, event, summary } = await jobWith(
      (id) =>
        id === 'r2'
          ? failed(id, 400, { message: 'Too long.', code: 'context_length_exceeded' })
          : failed(id, 400, { message: 'Unsupported parameter.', type: 'invalid_request_error', code: null }),
      fileOf('r1', 'r2', 'r3'),
    );
    const reason = {
      code: 'invalid_request_error',
      message: 'no row succeeded; 2 of 3 rows: Unsupported parameter.',
    };
    expect(job).toMatchObject({ status: 'completed', reason });
    expect(event).toMatchObject({ status: 'completed', reason });
    expect(summary).toMatchObject({ status: 'completed', reason });
  });

  it('counts the errors of all its parts', async () => {
    const { job } = await jobWith(
      (id) => failed(id, 404, { message: `No model; request req_${id}1.` }),
      fileOfTwoParts(),
    );
    expect(job.plan?.parts).toBe(2);
    expect(job.reason).toMatchObject({
      code: 'http_404',
      message: expect.stringContaining('2 of 2 rows: No model'),
    });
  });

  it('says so when the API sent no message', async () => {
    const { job } = await jobWith((id) => failed(id, 400, {}), fileOf('r1'));
    expect(job.reason?.message).toBe('no row succeeded; 1 of 1 rows: the API returned no message (http_400)');
  });
});

it('a completed job with one successful row has no reason', async () => {
  const world = new SmallWorld({ fate: () => ({ row: (id) => (id === 'r1' ? 'succeeded' : 'failed') }) });
  const jobId = await world.drop('a.jsonl', fileOf('r1', 'r2', 'r3'));
  await world.rest();
  expect(world.job(jobId)).toMatchObject({ status: 'completed', rows: { succeeded: 1, failed: 2 } });
  expect(world.job(jobId).reason).toBeUndefined();
});

describe('the most frequent of many errors', () => {
  it('is found among more messages than are counted at a time', () => {
    const errors = new CommonestError();
    const words = Array.from({ length: 5000 }, (_, n) =>
      String.fromCharCode(...[...String(n)].map((d) => 97 + Number(d))),
    );
    for (const [index, word] of words.entries()) {
      errors.add({ code: 'c', message: `the word ${word} is not allowed` });
      if (index % 4 === 0) errors.add({ code: 'c', message: 'the model is unknown' });
    }
    expect(errors.commonest?.message).toBe('the model is unknown');
    expect(errors.commonest?.rows).toBeGreaterThanOrEqual(1250);
    expect(errors.commonest?.rows).toBeLessThanOrEqual(1250 + 6250 / 64);
  });

  it('counts as one error although each message has another id', () => {
    const errors = new CommonestError();
    errors.add({ code: 'c', message: 'the model is unknown' }, 60);
    for (let n = 0; n < 100; n += 1) errors.add({ code: 'c', message: `request req_${n}f failed` });
    expect(errors.commonest).toEqual({ code: 'c', message: 'request req_0f failed', rows: 100 });
  });

  it('is undefined without errors', () => {
    expect(new CommonestError().commonest).toBeUndefined();
  });
});
