import { once } from 'node:events';
import { createServer } from 'node:http';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createHandler as approveHandler } from '../../../functions/approve/handler.ts';
import { createHandler as cancelHandler } from '../../../functions/cancel/handler.ts';
import { createHandler as intakeHandler } from '../../../functions/intake/handler.ts';
import { createJsonLog } from '../../../functions/shared/adapters/lambda/json-log.ts';
import { createOpenAiBatchApi } from '../../../functions/shared/adapters/openai/batch-api.ts';
import { handleEachRecord } from '../../../functions/shared/adapters/sqs/records.ts';
import { API_ID_PATTERN } from '../../../functions/shared/contract/api-id.ts';
import { DETAIL_TYPE } from '../../../functions/shared/contract/events.ts';
import type { BatchApi, Log } from '../../../functions/shared/ports/ports.ts';
import { withFaults } from '../../fakes/faulty.ts';
import { fileOf, HOUR, REQUESTS, row, SmallWorld, withMethods } from '../small-world.ts';

const HOSTILE_A_RUN = 10;
const RUNS = 100; // a thousand messages

const recordsOf = (bodies: string[]) => ({
  Records: bodies.map((body, at) => ({ messageId: `message-${at}`, eventSourceARN: 'arn:queue', body })),
});

const HOSTILE_IDS = [
  '..',
  '../files',
  '../../v1/files/file-1',
  'batch_1/../../files',
  'batch_1%2f..%2ffiles',
  '%2e%2e%2f',
  'batch_1/cancel',
  'batch_1?limit=100',
  'batch_1#',
  'batch_1\r\nhost: elsewhere',
  'batch_1\n',
  'batch_\0',
  'batch_ü',
  '\ud83d',
  '',
  ' ',
  '__proto__',
  'constructor',
  'toString',
  'x'.repeat(128),
  'x'.repeat(129),
  'x'.repeat(200_000),
];
const hostileId = fc.oneof(
  fc.constantFrom(...HOSTILE_IDS),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.stringMatching(/^(batch_)?[A-Za-z0-9_-]{1,40}$/), // well formed, but of no existing batch
  fc.stringMatching(/^(batch_|\.\.\/|%2f|\/){1,6}$/),
  fc.jsonValue({ maxDepth: 1 }),
);
const hostileField = fc.constantFrom('batchId', 'jobId', 'bucket', 'key', '__proto__', 'BatchId', 'id');
const nearlyValid = fc.oneof(
  hostileId.map((batchId) => ({ batchId })),
  hostileId.map((jobId) => ({ jobId })),
  fc.record({ bucket: fc.oneof(hostileId, fc.constant('others')), key: hostileId }),
  fc.record({ bucket: fc.constant('others'), key: fc.constant('good.jsonl') }),
  fc.dictionary(hostileField, hostileId, { maxKeys: 4 }),
);
/** The body of a message that names none of our jobs, batches or objects. */
const hostileBody = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.json(),
  nearlyValid.map((message) => JSON.stringify(message)),
  nearlyValid.map((message) => JSON.stringify(JSON.stringify(message))),
  nearlyValid.map((message) => `\uFEFF${JSON.stringify(message)}`),
  nearlyValid.map((message) => JSON.stringify([message])),
  nearlyValid.map((message) => JSON.stringify(message).slice(0, -1)),
  hostileId.map((id) => `{"__proto__":${JSON.stringify({ batchId: id })}}`),
  hostileId.map((id) => `{"batchId":${JSON.stringify(id)},"batchId":${JSON.stringify(id)}}`),
  fc.constantFrom('{"batchId":'.repeat(10_000), `${'['.repeat(10_000)}${']'.repeat(10_000)}`, '', 'null'),
);

describe('cancel messages of any kind', () => {
  /** Returns two running jobs, and every id with which the API is called. */
  async function twoRunning() {
    const asked = new Set<unknown>();
    const world = new SmallWorld({
      fate: () => ({ runningMs: 2 * HOUR }),
      replaced: ({ api }) => ({
        api: withFaults(api, (method, args) => {
          if (['retrieveBatch', 'cancelBatch', 'fileBytes', 'readFile', 'deleteFile'].includes(method))
            asked.add(args[0]);
          return 'ok';
        }),
      }),
    });
    const cancelled = await world.drop('good.jsonl', fileOf('r1', 'r2'));
    const untouched = await world.drop('untouched.jsonl', fileOf('r3'));
    await world.work();
    await world.pass(2);
    asked.clear();
    const [part] = world.parts(cancelled);
    return { world, asked, cancelled, untouched, batchId: part?.batch?.batchId ?? 'none' };
  }

  it('each get an outcome or go to the dead-letter queue, and do not affect other messages', async () => {
    const seen = { answered: 0, failed: 0 };
    const hostile = fc.array(hostileBody, { minLength: HOSTILE_A_RUN, maxLength: HOSTILE_A_RUN });
    await fc.assert(
      fc.asyncProperty(hostile, fc.nat({ max: HOSTILE_A_RUN }), async (bodies, place) => {
        const { world, asked, cancelled, untouched, batchId } = await twoRunning();
        const before = world.parts(untouched);
        const event = recordsOf(bodies.toSpliced(place, 0, JSON.stringify({ batchId })));
        const handle = cancelHandler(world.ports);
        const deliver = () =>
          handleEachRecord(
            event,
            ({ messageId, body }) =>
              handle({ id: messageId, body, sentAt: world.clock.now() }, world.deadline()),
            world.log,
          );
        const { batchItemFailures } = await deliver();

        const failed = batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
        const outcomes = world.bus
          .published()
          .flatMap((published) =>
            published.detailType === DETAIL_TYPE.cancelOutcome ? [published.detail] : [],
          );
        const answered = outcomes.map(({ metadata }) => metadata.id);
        for (const { data } of outcomes) {
          const { bucket: _, key: __, ...ids } = { bucket: '', key: '', ...data.request };
          for (const id of Object.values(ids)) expect(id).toMatch(new RegExp(API_ID_PATTERN));
        }
        const accounted = event.Records.map(({ messageId }) => [
          failed.filter((id) => id === messageId).length,
          answered.filter((id) => id === `cancel:${messageId}`).length,
        ]);
        for (const [failures = 0, answers = 0] of accounted) expect(failures + answers).toBe(1);
        seen.failed += failed.length;
        seen.answered += answered.length - 1;
        // The failed messages fail again in the same way, so waiting does not help.
        expect(await deliver()).toEqual({ batchItemFailures });

        expect(failed).not.toContain(`message-${place}`);
        expect(world.api.audit().cancels.map((cancel) => cancel.batchId)).toContain(batchId);
        expect([...asked].filter((id) => id !== batchId)).toEqual([]);
        expect(world.parts(untouched)).toEqual(before);
        await world.rest();
        expect(world.jobStatuses(cancelled).at(-1)).toBe('cancelled');
        expect(world.jobStatuses(untouched).at(-1)).toBe('completed');
      }),
      { numRuns: RUNS, seed: 56 },
    );
    // Both results occurred often. Otherwise the messages would not be an attack.
    expect(seen.answered + seen.failed).toBe(RUNS * HOSTILE_A_RUN);
    expect(Math.min(seen.answered, seen.failed)).toBeGreaterThan(50);
  });
});

describe('approval messages of any kind', () => {
  it('approve no job but the one that they name, and each is read once or goes to the dead-letter queue', async () => {
    const seen = { read: 0, failed: 0 };
    const approving = hostileId.map((jobId) => JSON.stringify({ jobId }));
    const hostile = fc.array(fc.oneof(hostileBody, approving), {
      minLength: HOSTILE_A_RUN,
      maxLength: HOSTILE_A_RUN,
    });
    await fc.assert(
      fc.asyncProperty(hostile, fc.nat({ max: HOSTILE_A_RUN }), async (bodies, place) => {
        const world = new SmallWorld();
        const held = { 'batchdrop-hold': 'yes' };
        const approved = await world.drop('good.jsonl', fileOf('r1', 'r2'), held);
        const untouched = await world.drop('untouched.jsonl', fileOf('r3'), held);
        const before = world.job(untouched);
        const event = recordsOf(bodies.toSpliced(place, 0, JSON.stringify({ jobId: approved })));
        const handle = approveHandler(world.ports);
        const deliver = () =>
          handleEachRecord(
            event,
            ({ messageId, body }) => handle({ id: messageId, body, sentAt: 0 }),
            world.log,
          );
        const { batchItemFailures } = await deliver();

        expect(batchItemFailures).not.toContainEqual({ itemIdentifier: `message-${place}` });
        const unknown = world.log.lines.filter(({ code }) => code === 'approval_unknown').length;
        expect(batchItemFailures.length + unknown).toBe(HOSTILE_A_RUN);
        seen.failed += batchItemFailures.length;
        seen.read += unknown;
        expect(await deliver()).toEqual({ batchItemFailures });
        await world.work();
        await world.pass(10);
        expect(world.job(untouched)).toEqual(before);
        expect(world.jobStatuses(approved).slice(0, 2)).toEqual(['unapproved', 'accepted']);
        expect(world.api.audit().creates.map(({ metadata }) => metadata.batchdrop_job)).toEqual([approved]);
      }),
      { numRuns: RUNS, seed: 56 },
    );
    expect(seen.read + seen.failed).toBe(RUNS * HOSTILE_A_RUN);
    expect(Math.min(seen.read, seen.failed)).toBeGreaterThan(50);
  });
});

describe('forged S3 events', () => {
  const s3Event = (bucket: unknown, object: unknown) => JSON.stringify({ detail: { bucket, object } });
  const object = { key: 'good.jsonl', size: 9, etag: 'e', 'version-id': 'version-000001' };
  const own = { name: REQUESTS };

  it.each([
    ['another bucket', s3Event({ name: 'others' }, object)],
    ['the results bucket', s3Event({ name: 'results' }, object)],
    ['a bucket with the same prefix', s3Event({ name: `${REQUESTS}-2` }, object)],
    ['the bucket in capitals', s3Event({ name: REQUESTS.toUpperCase() }, object)],
    ['the bucket with a path', s3Event({ name: `${REQUESTS}/../others` }, object)],
    ['the bucket in a list', s3Event({ name: [REQUESTS] }, object)],
    ['the bucket as a string', s3Event(REQUESTS, object)],
    ['no bucket', s3Event(undefined, object)],
    ['the bucket only within __proto__', `{"detail":{"bucket":{"__proto__":{"name":"${REQUESTS}"}}}}`],
    ['no object', s3Event(own, undefined)],
    ['a key that is a number', s3Event(own, { ...object, key: 7 })],
    ['a key in a list', s3Event(own, { ...object, key: ['good.jsonl'] })],
    ["the format of S3's own notifications", JSON.stringify({ Records: [{ s3: { bucket: own, object } }] })],
    ['a detail that is a string', JSON.stringify({ detail: s3Event(own, object) })],
    ['an event within a list', `[${s3Event(own, object)}]`],
    ['a job id that is not a string', '{"jobId":{"a":1}}'],
    ['text that is not JSON', 'good.jsonl'],
    ['null', 'null'],
    ['an empty body', ''],
  ])(
    'with %s are refused before any object is read, and a valid one next to them is accepted',
    async (_, forged) => {
      const read: unknown[] = [];
      const world = new SmallWorld({
        replaced: ({ requestFiles }) => ({
          requestFiles: withFaults(requestFiles, (__, [file]) => {
            read.push(file);
            return 'ok';
          }),
        }),
      });
      const good = world.upload('good.jsonl', fileOf('r1'));
      const handle = intakeHandler({ ...world.ports, requestBucket: REQUESTS });
      const deliver = (...bodies: string[]) =>
        handleEachRecord(recordsOf(bodies), ({ body }) => handle(body, world.deadline()), world.log);
      await expect(deliver(forged)).rejects.toThrow('all 1 records failed');
      expect(read).toEqual([]);
      expect(world.ledger.jobs()).toEqual([]);

      const response = await deliver(forged, good.event, forged);
      expect(response.batchItemFailures).toEqual([
        { itemIdentifier: 'message-0' },
        { itemIdentifier: 'message-2' },
      ]);
      expect(world.ledger.jobs().map(({ jobId, status }) => [jobId, status])).toEqual([
        [good.jobId, 'accepted'],
      ]);
      const file = { bucket: REQUESTS, key: 'good.jsonl', versionId: good.versionId };
      expect(read.length).toBeGreaterThan(0);
      for (const one of read) expect(one).toMatchObject(file);
    },
  );

  it.each(['../files', '__proto__', 'k5mhx3q2vwn7tjzr4ydaf6bcgs', ''])(
    'with the unknown job "%s" read nothing and create nothing',
    async (jobId) => {
      const world = new SmallWorld();
      await world.intake(JSON.stringify({ jobId }));
      expect(world.ledger.jobs()).toEqual([]);
      expect(world.bus.published()).toEqual([]);
      expect(world.results.objects().size).toBe(0);
    },
  );
});

describe('the key, the rows and the results', () => {
  const KEY = 'sk-MARKER-OF-THE-KEY';
  const ROW = 'MARKED-ROW'; // no longer than the text that a parser quotes
  const RESULT = 'MARKER-OF-A-RESULT';
  const servers: ReturnType<typeof createServer>[] = [];

  afterEach(() => {
    vi.restoreAllMocks();
    for (const server of servers.splice(0)) server.close();
  });

  /** Returns an API that refuses every request and repeats it in the error. */
  async function echoingApi(): Promise<{ api: BatchApi; heard: string[] }> {
    const heard: string[] = [];
    const server = createServer(async (request, response) => {
      const pieces: Buffer[] = [];
      for await (const piece of request) pieces.push(Buffer.from(piece));
      const echo = `${request.headers.authorization} ${Buffer.concat(pieces).toString()}`;
      heard.push(`${request.method} ${request.url} ${echo}`);
      const status = request.url?.endsWith('/files') ? 401 : 500;
      response.writeHead(status, { 'content-type': 'application/json', 'x-echo': KEY });
      response.end(JSON.stringify({ error: { message: echo, type: 'server_error', code: null }, echo }));
    });
    servers.push(server);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the server has no port');
    const keys = { current: async () => ({ apiKey: KEY }), refresh: async () => ({ apiKey: KEY }) };
    const baseUrl = `http://127.0.0.1:${address.port}/v1`;
    return { api: createOpenAiBatchApi({ baseUrl, keys }), heard };
  }

  /**
   * Sends the first call of each kind to the echoing API and all others to the fake, whose results contain a marker.
   */
  function echoingFirst(fake: BatchApi, echoing: BatchApi): BatchApi {
    const called = new Set<string>();
    const first = (name: string) => !called.has(name) && called.add(name) !== undefined;
    const pick = (name: string) => (first(name) ? echoing : fake);
    const result = async (fileId: string) => {
      const pieces: Uint8Array[] = [];
      for await (const piece of fake.readFile(fileId)) pieces.push(Uint8Array.from(piece));
      const said = Buffer.concat(pieces).toString().replaceAll('"body":{', `"body":{"said":"${RESULT}",`);
      return Buffer.from(`${said}${RESULT} {"cut":\n{"custom_id":"stranger","said":"${RESULT}"}\n`);
    };
    return withMethods(fake, {
      uploadFile: (upload, signal) => pick('uploadFile').uploadFile(upload, signal),
      createBatch: (request, signal) => pick('createBatch').createBatch(request, signal),
      retrieveBatch: (batchId) => pick('retrieveBatch').retrieveBatch(batchId),
      listBatches: (query) => pick('listBatches').listBatches(query),
      cancelBatch: (batchId) => pick('cancelBatch').cancelBatch(batchId),
      deleteFile: (fileId) => pick('deleteFile').deleteFile(fileId),
      fileBytes: async (fileId) =>
        first('fileBytes') ? echoing.fileBytes(fileId) : (await result(fileId)).length,
      async *readFile(fileId) {
        if (first('readFile')) yield* echoing.readFile(fileId);
        else yield await result(fileId);
      },
    });
  }

  const both = (one: Log, other: Log): Log => ({
    info: (...line) => [one, other].forEach((log) => void log.info(...line)),
    warn: (...line) => [one, other].forEach((log) => void log.warn(...line)),
    error: (...line) => [one, other].forEach((log) => void log.error(...line)),
  });

  it('are in no log, event, summary or report, although the API fails and repeats them', async () => {
    const printed: string[] = [];
    for (const stream of [process.stdout, process.stderr]) {
      vi.spyOn(stream, 'write').mockImplementation((text) => printed.push(String(text)) > 0);
    }
    const { api: echoing, heard } = await echoingApi();
    const json = createJsonLog('all');
    const world = new SmallWorld({
      fate: () => ({ row: (customId) => (customId === 'r2' ? 'failed' : 'succeeded') }),
      replaced: ({ api, log }) => ({
        api: echoingFirst(api, echoing),
        log: both(log, json),
      }),
    });
    const secret = { body: { model: 'm', input: ROW, messages: [{ role: 'user', content: ROW }] } };
    const good = await world.drop('good.jsonl', ['r1', 'r2'].map((id) => `${row(id, secret)}\n`).join(''));
    const bad = await world.drop(
      'bad.jsonl',
      `{"custom_id":"r1","body":"${ROW}" ${ROW}}\n"${ROW}"\n${ROW}\n${row('r2', { body: ROW })}\n${row(ROW)}\n${row(ROW)}\n`,
    );
    await world.rest();
    const stuck = await world.drop('cancelled.jsonl', `${row('r1', secret)}\n`);
    await world.work();
    await world.cancel({ jobId: stuck });
    await world.rest();
    const intake = intakeHandler({ ...world.ports, requestBucket: REQUESTS });
    const unreadable = handleEachRecord(
      recordsOf([`${ROW} and more`]),
      ({ body }) => intake(body, world.deadline()),
      world.ports.log,
    );
    await expect(unreadable).rejects.toThrow('all 1');

    expect(world.jobStatuses(good).at(-1)).toBe('completed');
    expect(world.jobStatuses(bad)).toEqual(['rejected']);
    expect(world.jobStatuses(stuck).at(-1)).toBe('cancelled');
    const stored = [...world.results.objects()].map(([key, { body }]) => ({
      key,
      text: Buffer.from(body).toString(),
    }));
    const reports = stored.filter(({ key }) => /(summary|rejected)\.json$/.test(key));
    const logged = world.log.lines.map(({ level, code, facts }) => JSON.stringify({ level, code, facts }));
    const open = { printed, logged, reports, events: world.bus.published() };
    // The markers were everywhere where they are allowed, and the searched texts are not empty.
    expect(heard.join()).toContain(KEY);
    expect(heard.join()).toContain(ROW);
    expect(stored.map(({ text }) => text).join()).toContain(RESULT);
    expect(new Set(heard.map((line) => line.split(' ').slice(0, 2).join(' '))).size).toBeGreaterThan(4);
    for (const searched of Object.values(open)) expect(searched.length).toBeGreaterThan(1);
    expect(printed.join('')).toContain('"failure"');
    for (const marker of [KEY, ROW, RESULT]) expect(JSON.stringify(open)).not.toContain(marker);
  });
});
