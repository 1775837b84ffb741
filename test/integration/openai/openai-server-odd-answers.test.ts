import { expect, it } from 'vitest';
import { readAudit } from '../../../local/openai/audit-log.ts';
import { parseFaultPlan, readFaultPlan } from '../../../local/openai/faults/faults-file.ts';
import { PRESET_NAMES } from '../../../local/openai/faults/faults-presets.ts';
import { REFUSALS } from '../../../local/openai/faults/refusals.ts';
import {
  batchApi,
  chatRow,
  chatRows,
  complete,
  createBatch,
  HOUR,
  SECOND,
  uploadText,
} from '../../openai/batch-api-under-test.ts';

const ROW = `${JSON.stringify(chatRow('a'))}\n`;

type World = Awaited<ReturnType<typeof batchApi>>;

/** Makes a call without the official SDK, which would check the response against OpenAI's document. */
function odd({ server }: World, fault: object | string) {
  const headers = {
    authorization: 'Bearer x',
    'content-type': 'application/json',
    'x-batchdrop-fault': typeof fault === 'string' ? fault : JSON.stringify(fault),
  };
  const at = (path: string) => `${server.url}${path}`;
  return {
    get: (path: string) => fetch(at(path), { headers }),
    create: (input_file_id: string) => {
      const body = { input_file_id, endpoint: '/v1/chat/completions', completion_window: '24h' };
      return fetch(at('/batches'), { method: 'POST', headers, body: JSON.stringify(body) });
    },
    body: async (path: string): Promise<Record<string, unknown>> =>
      JSON.parse(await (await fetch(at(path), { headers })).text()),
  };
}

const created = ({ directory }: World) =>
  readAudit(directory).filter(({ event }) => event === 'batch.created').length;

it.each([
  [{ status: 413, body: 'html' }, 'text/html', /^<html>/],
  [{ status: 403, body: 'message' }, 'application/json', /^\{"message":/],
  [{ status: 404, body: 'nothing' }, null, /^$/],
])(
  'page-after: the batch exists, and the client gets the page of a gateway: %o',
  async (page, type, text) => {
    const world = await batchApi();
    const file = await uploadText(world.client, ROW);
    const answer = await odd(world, { fault: 'page-after', ...page }).create(file);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([page.status, type]);
    expect(await answer.text()).toMatch(text);
    expect(created(world)).toBe(1);
  },
);

it('page: nothing is done, and a status of 3xx comes with a Location', async () => {
  const world = await batchApi();
  const response = await fetch(`${world.server.url}/batches`, {
    redirect: 'manual',
    headers: { authorization: 'Bearer x', 'x-batchdrop-fault': '{"fault":"page","status":302}' },
  });
  expect([response.status, response.headers.get('location')]).toEqual([302, 'https://login.example.com/']);
});

it('twice: two batches run on the file, and the client learns of the first', async () => {
  const world = await batchApi();
  const file = await uploadText(world.client, ROW);
  const told = Object(await (await odd(world, 'twice').create(file)).json());
  const listed = await world.client.batches.list();
  expect(listed.data.map(({ input_file_id }) => input_file_id)).toEqual([file, file]);
  expect(told.id).toBe(listed.data[1]?.id);
});

it.each(Object.keys(REFUSALS))('refusal %s: has the observed text, and no batch is created', async (says) => {
  const world = await batchApi();
  const answer = await odd(world, { fault: 'refusal', says }).create(await uploadText(world.client, ROW));
  const { error, detail } = Object(await answer.json());
  expect(answer.status).toBeGreaterThanOrEqual(400);
  expect(error?.message ?? detail).toEqual(expect.any(String));
  expect(created(world)).toBe(0);
});

it('hang: the call gets no response, others do, and the server can still be closed', async () => {
  const world = await batchApi();
  const given = AbortSignal.timeout(200);
  const hanging = fetch(`${world.server.url}/batches`, {
    signal: given,
    headers: { authorization: 'Bearer x', 'x-batchdrop-fault': 'hang' },
  });
  expect((await world.client.batches.list()).data).toEqual([]);
  await expect(hanging).rejects.toThrow(/abort|timeout/i);
  const left = fetch(`${world.server.url}/files`, {
    headers: { authorization: 'Bearer x', 'x-batchdrop-fault': 'hang' },
  });
  const ended = expect(left).rejects.toThrow();
  await expect
    .poll(() => readAudit(world.directory).filter(({ event }) => event === 'fault.injected').length)
    .toBe(2);
  await world.server.close();
  await ended;
});

it('a result is first missing, then of another file, then has half of its lines, then is right', async () => {
  const world = await batchApi();
  const { id } = await createBatch(world.client, chatRows(4));
  const fileId = (await complete(world, id)).output_file_id ?? '';
  const right = await (await world.client.files.content(fileId)).text();
  const late = odd(world, { fault: 'late-output-id', seconds: 60 });
  const absent = odd(world, { fault: 'not-found', seconds: 120 });
  const foreign = odd(world, { fault: 'foreign-lines', seconds: 180 });
  const short = odd(world, { fault: 'short', seconds: 240 });

  expect(await late.body(`/batches/${id}`)).toMatchObject({
    status: 'completed',
    request_counts: { completed: 4 },
    output_file_id: null,
  });
  expect((await absent.get(`/files/${fileId}/content`)).status).toBe(404);
  expect((await absent.get(`/files/${fileId}`)).status).toBe(404);
  const ofAnother = await (await foreign.get(`/files/${fileId}/content`)).text();
  expect(ofAnother.split('\n').map((line) => line.includes('of-another-file-'))).toEqual([
    true,
    false,
    true,
    false,
    false,
  ]);
  const half = await (await short.get(`/files/${fileId}/content`)).text();
  expect(half).toBe(
    right
      .split(/(?<=\n)/)
      .slice(0, 2)
      .join(''),
  );
  expect((await short.body(`/files/${fileId}`)).bytes).toBe(Buffer.byteLength(half));

  world.clock.advance(240 * SECOND);
  expect((await late.body(`/batches/${id}`)).output_file_id).toBe(fileId);
  for (const again of [absent, foreign, short])
    expect(await (await again.get(`/files/${fileId}/content`)).text()).toBe(right);
});

it('for a time, a new file is pending and not visible to a batch, and a new batch is not found', async () => {
  const world = await batchApi();
  const file = await uploadText(world.client, ROW);
  const notVisible = odd(world, { fault: 'not-visible', seconds: 60 });
  const refusal = Object(await (await notVisible.create(file)).json());
  expect(refusal.error.message).toMatch(
    new RegExp(`^Cannot find file ${file}, or project \\S+ does not have access`),
  );
  const pending = odd(world, { fault: 'pending', seconds: 60 });
  expect((await pending.body(`/files/${file}`)).status).toBe('pending');
  world.clock.advance(60 * SECOND);
  expect((await pending.body(`/files/${file}`)).status).toBe('processed');
  const batch = Object(await (await notVisible.create(file)).json());
  const unknown = odd(world, { fault: 'not-found', seconds: 60 });
  expect((await unknown.get(`/batches/${batch.id}`)).status).toBe(404);
  world.clock.advance(60 * SECOND);
  expect((await unknown.get(`/batches/${batch.id}`)).status).toBe(200);
});

it('a list repeats its first page, never ends, has only data, or contains odd batches of others', async () => {
  const world = await batchApi();
  const older = await createBatch(world.client, ROW);
  const newer = await createBatch(world.client, ROW);
  const ids = (page: Record<string, unknown>) =>
    Array.isArray(page.data) ? page.data.map((entry) => Object(entry).id) : [];
  expect(ids(await odd(world, 'same-page').body(`/batches?after=${newer.id}`))).toEqual([newer.id, older.id]);
  expect(await odd(world, 'endless').body(`/batches?after=${older.id}`)).toMatchObject({
    data: [],
    has_more: true,
  });
  expect(Object.keys(await odd(world, 'bare-list').body('/batches'))).toEqual(['object', 'data']);
  const neighbours = ids(await odd(world, 'odd-entries').body('/batches'));
  expect(neighbours).toEqual([
    'batch_of_a_neighbour',
    'job_1',
    undefined,
    undefined,
    newer.id,
    newer.id,
    older.id,
  ]);
  const headers = async (fault: string) =>
    (await odd(world, fault).get('/batches')).headers.has('openai-organization');
  expect([await headers('no-organization'), await headers('endless')]).toEqual([false, true]);
});

it('a batch is shown with fields of odd shapes', async () => {
  const world = await batchApi();
  const batch = await createBatch(world.client, ROW, { metadata: { a: 'b' } });
  const shown = (fault: string) => odd(world, fault).body(`/batches/${batch.id}`);
  expect((await shown('rewritten-file-id')).input_file_id).not.toBe(batch.input_file_id);
  expect((await shown('rewritten-file-id')).input_file_id).toBe(
    (await shown('rewritten-file-id')).input_file_id,
  );
  expect((await shown('no-counts')).request_counts).toBeNull();
  expect(await shown('empty-fields')).toMatchObject({
    output_file_id: '',
    error_file_id: {},
    usage: null,
    errors: {},
  });
  expect((await shown('odd-times')).expires_at).toMatch(/^2\d{3}-/);
  expect((await shown('capitals')).status).toBe('VALIDATING');
  expect((await shown('odd-error-file')).error_file_id).toBe('../no/file?');
  expect(JSON.stringify(await shown('huge-metadata')).length).toBeGreaterThan(600_000);
  expect((await (await odd(world, 'huge-answer').get(`/batches/${batch.id}`)).text()).length).toBeGreaterThan(
    10_000_000,
  );
});

it('long ids: they have 328 characters, and the server accepts them in a path, in a body and as a cursor', async () => {
  const world = await batchApi();
  const file = String(
    (await odd(world, 'long-ids').body(`/files/${await uploadText(world.client, ROW)}`)).id,
  );
  const long = Object(await (await odd(world, 'long-ids').create(file)).json());
  expect([file.length, long.id.length, long.input_file_id]).toEqual([328, 328, file]);
  expect((await odd(world, 'long-ids').body(`/batches/${long.id}`)).id).toBe(long.id);
  expect((await odd(world, 'long-ids').body(`/batches?after=${long.id}`)).data).toEqual([]);
  expect(await (await odd(world, { fault: 'slow', ms: 0 }).get(`/files/${file}/content`)).text()).toBe(ROW);
});

it('odd rows: an empty error next to a response, an error next to a status, a line without a response', async () => {
  const world = await batchApi();
  const rows = [chatRow('good-0'), chatRow('bad-1', 500), chatRow('bad-2', 429), chatRow('good-3')];
  const file = await uploadText(world.client, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const { id } = Object(await (await odd(world, 'odd-rows').create(file)).json());
  const { output_file_id, error_file_id } = await complete(world, id);
  const lines = async (fileId: string | null | undefined) =>
    (await (await world.client.files.content(fileId ?? '')).text())
      .trim()
      .split('\n')
      .map((line): Record<string, unknown> => JSON.parse(line))
      .sort((one, other) => String(one.custom_id).localeCompare(String(other.custom_id)));
  expect((await lines(output_file_id)).map(({ error }) => error)).toEqual([{}, null]);
  expect(await lines(error_file_id)).toMatchObject([
    { response: null, error: { code: 'request_timeout' } },
    { response: { status_code: 429 }, error: { code: 'rate_limit_exceeded' } },
  ]);
});

it('a rule ends when its time is over', async () => {
  const faults = parseFaultPlan({ faults: [{ fault: 'error', on: 'batches.list', lasts: 60 }] });
  const { client, clock } = await batchApi({ faults });
  await expect(client.batches.list()).rejects.toThrow('500');
  clock.advance(60 * SECOND);
  expect((await client.batches.list()).data).toEqual([]);
});

it.each(PRESET_NAMES)('the preset %s is a plan, and the server works with it', async (preset) => {
  const faults = readFaultPlan(preset);
  expect(faults.length).toBeGreaterThan(0);
  const world = await batchApi({ faults: faults.filter(({ fault }) => !/^(hang|slow)/.test(fault.fault)) });
  for (let at = 0; at < 20; at += 1) {
    world.clock.advance(HOUR);
    await fetch(`${world.server.url}/batches`, { headers: { authorization: 'Bearer x' } }).catch(
      () => undefined,
    );
  }
  const answer = await fetch(`${world.server.url}/files`, {
    headers: { authorization: 'Bearer x', 'x-batchdrop-fault': '{"fault":"slow","ms":0}' },
  });
  expect(answer.status).toBe(200);
});
