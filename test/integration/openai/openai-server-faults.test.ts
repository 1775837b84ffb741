import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import OpenAI, { APIConnectionError } from 'openai';
import { describe, expect, it } from 'vitest';
import { readAudit } from '../../../local/openai/audit-log.ts';
import { FAULTS, type FaultPlan } from '../../../local/openai/faults/faults.ts';
import { parseFaultPlan, readFaultPlan } from '../../../local/openai/faults/faults-file.ts';
import { PRESET_NAMES } from '../../../local/openai/faults/faults-presets.ts';
import {
  batchApi,
  chatRows,
  createBatch,
  reaches,
  resultLines,
  SECOND,
  temporaryDirectory,
  uploadText,
} from '../../openai/batch-api-under-test.ts';
import { batchdrop } from '../child-runtime.ts';

const ROW =
  '{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"model":"m","messages":[]}}\n';
const asked = (input_file_id: string) =>
  ({ input_file_id, endpoint: '/v1/chat/completions', completion_window: '24h' }) as const;
const demand = (fault: string | object) => ({
  headers: { 'x-batchdrop-fault': typeof fault === 'string' ? fault : JSON.stringify(fault) },
});
const under = (...faults: object[]): FaultPlan => parseFaultPlan(JSON.parse(JSON.stringify({ faults })));

async function created(directory: string): Promise<number> {
  return readAudit(directory).filter(({ event }) => event === 'batch.created').length;
}

describe('a request that names a fault in its header', () => {
  it('fails with the requested status and Retry-After, before anything is done', async () => {
    const { client, directory } = await batchApi();
    const file = await uploadText(client, ROW);
    const refused = client.batches.create(
      asked(file),
      demand({ fault: 'error', status: 429, retryAfter: 7 }),
    );
    const error = await refused.catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(OpenAI.RateLimitError);
    expect(error).toHaveProperty('code', 'rate_limit_exceeded');
    expect(error instanceof OpenAI.APIError && error.headers?.get('retry-after')).toBe('7');
    expect(await created(directory)).toBe(0);
  });

  it.each([
    ['error-after', OpenAI.InternalServerError],
    ['reset-after', APIConnectionError],
  ])('fails with %s although the batch was created', async (fault, kind) => {
    const { client, directory } = await batchApi();
    const file = await uploadText(client, ROW);
    await expect(client.batches.create(asked(file), demand(fault))).rejects.toBeInstanceOf(kind);
    expect((await client.batches.list()).data.map((batch) => batch.input_file_id)).toEqual([file]);
    expect(await created(directory)).toBe(1);
  });

  it('loses its connection with the fault reset, and nothing is done', async () => {
    const { client, directory } = await batchApi();
    const file = await uploadText(client, ROW);
    await expect(client.batches.create(asked(file), demand('reset'))).rejects.toBeInstanceOf(
      APIConnectionError,
    );
    expect(await created(directory)).toBe(0);
  });

  it('creates a batch long after its connection was cut, with the fault late', async () => {
    const { client, clock } = await batchApi();
    const file = await uploadText(client, ROW);
    await expect(
      client.batches.create(asked(file), demand({ fault: 'late', seconds: 90 })),
    ).rejects.toBeInstanceOf(APIConnectionError);
    clock.advance(89 * SECOND);
    expect((await client.batches.list()).data).toEqual([]);
    clock.advance(1 * SECOND);
    await expect.poll(async () => (await client.batches.list()).data.length, { timeout: 30_000 }).toBe(1);
  });

  it("gets a gateway's page with the fault html, and half of the content with truncate", async () => {
    const { client, server } = await batchApi();
    const page = await fetch(`${server.url}/batches`, {
      headers: { authorization: 'Bearer x', 'x-batchdrop-fault': 'html' },
    });
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html']);

    const id = await uploadText(client, ROW.repeat(10));
    const content = await fetch(`${server.url}/files/${id}/content`, {
      headers: { authorization: 'Bearer x', 'x-batchdrop-fault': 'truncate' },
    });
    expect(content.status).toBe(200);
    await expect(content.text()).rejects.toThrow();
    expect(await (await client.files.content(id)).text()).toBe(ROW.repeat(10));
  });

  it('makes its batch fail with the fault token-limit, and expire with half of its rows done with expire', async () => {
    const { client, clock, directory } = await batchApi();
    const limited = await createBatch(client, chatRows(4), {});
    const file = limited.input_file_id;
    const failing = await client.batches.create(asked(file), demand('token-limit'));
    const expiring = await client.batches.create(asked(file), demand('expire'));

    clock.advance(10 * SECOND);
    await reaches(client, limited.id, 'in_progress');
    const failed = await reaches(client, failing.id, 'failed');
    expect(failed.errors?.data?.[0]?.code).toBe('token_limit_exceeded');
    await reaches(client, expiring.id, 'in_progress');
    clock.advance(100 * SECOND);
    await reaches(client, expiring.id, 'finalizing');
    clock.advance(20 * SECOND);
    const expired = await reaches(client, expiring.id, 'expired');
    expect(expired.request_counts).toEqual({ total: 4, completed: 2, failed: 0 });
    expect((await resultLines(client, expired.error_file_id)).map(({ error }) => error?.code)).toEqual([
      'batch_expired',
      'batch_expired',
    ]);
    const billed = readAudit(directory).filter(
      (entry) => entry.event === 'row.billed' && entry.batchId === expiring.id,
    );
    expect(billed).toHaveLength(2);
  });

  it('makes a share of the rows fail with the fault failing-rows, and the counts include them', async () => {
    const { client, clock, directory } = await batchApi();
    const limited = await createBatch(client, chatRows(200), {});
    const fault = { fault: 'failing-rows', share: 0.2, status: 503 };
    const batch = await client.batches.create(asked(limited.input_file_id), demand(fault));
    for (const seconds of [10, 100, 20]) {
      clock.advance(seconds * SECOND);
      await expect.poll(async () => (await client.batches.retrieve(batch.id)).status).not.toBe('validating');
    }
    const completed = await reaches(client, batch.id, 'completed');
    const failed = await resultLines(client, completed.error_file_id);
    expect(failed.map(({ response }) => response?.status_code)).toEqual(failed.map(() => 503));
    expect(failed.length).toBeGreaterThan(20);
    expect(failed.length).toBeLessThan(60);
    expect(completed.request_counts).toEqual({
      total: 200,
      completed: 200 - failed.length,
      failed: failed.length,
    });
    const billed = readAudit(directory).filter(
      (entry) => entry.event === 'row.billed' && entry.batchId === batch.id,
    );
    expect(billed).toHaveLength(200 - failed.length);
  });

  it.each([
    ['nonsense', 'one of error, error-after'],
    ['{"fault":"error","status":200}', 'the fault.status: expected a number from 400 to 599, found 200'],
    ['{"fault":"error","rate":1}', 'the unknown field "rate"'],
    ['truncate', 'truncate applies to files.content only, not to batches.list'],
    ['{', 'it is not JSON'],
  ])('is rejected if the fault is %s', async (fault, reason) => {
    const { client } = await batchApi();
    const refusal = await client.batches
      .list({}, demand(fault))
      .then(() => undefined)
      .catch((cause: unknown) => cause);
    expect(refusal).toBeInstanceOf(OpenAI.BadRequestError);
    expect(String(refusal)).toContain(reason);
  });
});

describe('a plan of faults', () => {
  it('applies to its share of requests, the same ones for the same seed, and records each in the audit log', async () => {
    const faults = under({ fault: 'error', on: 'files.list', rate: 0.5 });
    const run = async (seed: number) => {
      const { client, directory } = await batchApi({ faults, seed });
      const met: boolean[] = [];
      for (let at = 0; at < 40; at += 1) {
        met.push(
          await client.files.list().then(
            () => false,
            () => true,
          ),
        );
      }
      const noted = readAudit(directory).filter(({ event }) => event === 'fault.injected');
      expect(noted).toHaveLength(met.filter(Boolean).length);
      return met;
    };
    const first = await run(7);
    expect(first.filter(Boolean).length).toBeGreaterThan(8);
    expect(first.filter(Boolean).length).toBeLessThan(32);
    expect(await run(7)).toEqual(first);
    expect(await run(8)).not.toEqual(first);
  });

  it('stops after its number of times', async () => {
    const faults = under({ fault: 'error', status: 503, on: ['files.list', 'batches.list'], times: 2 });
    const { client } = await batchApi({ faults });
    await expect(client.files.list()).rejects.toBeInstanceOf(OpenAI.InternalServerError);
    await expect(client.batches.list()).rejects.toBeInstanceOf(OpenAI.InternalServerError);
    expect((await client.batches.list()).data).toEqual([]);
  });

  it('hides new batches only from the list, for the duration of lag', async () => {
    const { client, clock } = await batchApi({ faults: under({ fault: 'lag', seconds: 60 }) });
    const batch = await createBatch(client, ROW);
    expect((await client.batches.list()).data).toEqual([]);
    expect((await client.batches.retrieve(batch.id)).id).toBe(batch.id);
    clock.advance(60 * SECOND);
    expect((await client.batches.list()).data.map(({ id }) => id)).toEqual([batch.id]);
  });

  it('is overridden by the header of a request', async () => {
    const { client } = await batchApi({ faults: under({ fault: 'error' }) });
    await expect(client.files.list()).rejects.toBeInstanceOf(OpenAI.InternalServerError);
    expect((await client.files.list({}, demand({ fault: 'slow', ms: 0 }))).data).toEqual([]);
  });
});

describe('the presets', () => {
  it.each([
    ['accept-then-500', 1],
    ['rate-limited', 0],
    ['flaky', 0],
  ])('with %s, no client gets a success for a batch that does not exist', async (preset, sure) => {
    const { client, directory } = await batchApi({ faults: readFaultPlan(preset) });
    let told = 0;
    let refused = 0;
    for (let at = 0; at < 60; at += 1) {
      const file = await uploadText(client, ROW).catch(() => undefined);
      if (file === undefined) continue;
      const answer = await client.batches.create(asked(file)).catch(() => undefined);
      if (typeof answer === 'object') told += 1;
      else refused += 1;
    }
    expect(refused).toBeGreaterThan(0);
    expect(await created(directory)).toBeGreaterThanOrEqual(told);
    if (sure === 1) expect([told, await created(directory)]).toEqual([0, 60]);
  });

  it('token-limit fails the first batch, and most of the later ones run', async () => {
    const { client, clock } = await batchApi({ faults: readFaultPlan('token-limit') });
    const ids: string[] = [];
    for (let at = 0; at < 10; at += 1) ids.push((await createBatch(client, ROW)).id);
    clock.advance(10 * SECOND);
    const statuses = async () => {
      const batches = await Promise.all(ids.map((id) => client.batches.retrieve(id)));
      return batches.map(({ status }) => status);
    };
    await expect.poll(statuses, { timeout: 30_000 }).not.toContain('validating');
    expect((await statuses())[0]).toBe('failed');
    expect((await statuses()).filter((status) => status === 'in_progress').length).toBeGreaterThan(4);
  });

  it('expiring: each batch expires with some rows done', async () => {
    const { client, clock } = await batchApi({ faults: readFaultPlan('expiring') });
    const { id } = await createBatch(client, chatRows(10));
    clock.advance(10 * SECOND);
    await reaches(client, id, 'in_progress');
    clock.advance(100 * SECOND);
    await reaches(client, id, 'finalizing');
    clock.advance(20 * SECOND);
    expect((await reaches(client, id, 'expired')).request_counts?.completed).toBe(5);
  });

  it('slow-list hides a new batch from a list', async () => {
    const { client } = await batchApi({ faults: readFaultPlan('slow-list') });
    await createBatch(client, ROW);
    expect((await client.batches.list()).data).toEqual([]);
  });
});

describe('a fault file', () => {
  it.each([
    ['[]', 'the file: expected an object, found []'],
    ['{"faults":{}}', 'faults: expected a list of rules, found {}'],
    ['{"faults":[],"seed":1}', 'the file has the unknown field "seed"; known are faults'],
    ['{"faults":[{"fault":"eror"}]}', 'faults[0].fault: expected one of error, error-after'],
    ['{"faults":[{"fault":"reset","status":500}]}', 'faults[0] has the unknown field "status"'],
    [
      '{"faults":[{"fault":"reset"},{"fault":"slow","ms":1.5}]}',
      'faults[1].ms: expected a whole number from 0 to 600000',
    ],
    ['{"faults":[{"fault":"reset","rate":2}]}', 'faults[0].rate: expected a number from 0 to 1, found 2'],
    ['{"faults":[{"fault":"reset","times":0}]}', 'faults[0].times: expected a number from 1'],
    ['{"faults":[{"fault":"reset","on":"batches"}]}', 'faults[0].on: expected one or a list of files.create'],
    ['{"faults":[{"fault":"lag","on":"files.list"}]}', 'faults[0].on: lag applies to batches.list only'],
    ['{"faults":[', 'it is not JSON'],
  ])('%s is rejected with the place and the expected value', (text, reason) => {
    const path = join(temporaryDirectory(), 'faults.json');
    writeFileSync(path, text);
    expect(() => readFaultPlan(path)).toThrow(`${path}: ${reason}`);
  });

  it('applies to every supported operation by default', () => {
    expect(under({ fault: 'reset-after' })[0]?.on).toEqual([
      'files.create',
      'files.delete',
      'batches.create',
      'batches.cancel',
      'webhook_endpoints.create',
      'webhook_endpoints.update',
      'webhook_endpoints.delete',
      'webhook_endpoints.rotate_secret',
    ]);
  });

  it('is fully described in docs/batch-api-server.md, with a valid example', () => {
    const page = readFileSync(new URL('../../../docs/batch-api-server.md', import.meta.url), 'utf8');
    for (const name of [...PRESET_NAMES, ...Object.keys(FAULTS)]) expect(page).toContain(`\n| \`${name}\` |`);
    const example = /```json\n([^`]*)```/.exec(page)?.[1] ?? '';
    expect(parseFaultPlan(JSON.parse(example)).map(({ fault }) => fault.fault)).toEqual([
      'reset-after',
      'error',
      'token-limit',
    ]);
  });

  it('that does not exist stops batchdrop openai with the names of the presets', async () => {
    const directory = temporaryDirectory();
    const { code, stderr } = await batchdrop([
      'openai',
      '--port',
      '0',
      '--directory',
      directory,
      '--faults',
      'flakey',
    ]);
    expect(code).toBe(1);
    expect(stderr).toContain(`--faults takes a file or one of ${PRESET_NAMES.join(', ')}`);
  });
});
