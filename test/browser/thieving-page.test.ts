import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Authorizer } from '../../local/aws/iam/authorizer.ts';
import { startEndpoint } from '../../local/aws/protocol/endpoint.ts';
import { VirtualClock } from '../../local/clock.ts';
import { startBatchApi } from '../../local/openai/server.ts';
import { Engines } from '../../local/runtime/engines.ts';
import { KEY, LocalRuntime } from '../integration/local-runtime.ts';
import { clientConfig } from '../local/endpoint/client-config.ts';
import { CAN_RUN, type OpenBrowser, openBrowser } from './browser.ts';
import { type Loot, type Prey, serve, THIEF_HOST, Thief, unguarded } from './thief.ts';

const SECRET = 'another secret of this endpoint';
const STORED = 'globalThis.stolen = "a script that another site may not run"';
const BUCKET = 'requests';
const OTHER_WAYS = ['secret', 'send', 'put', 'list', 'buckets', 'script', 'img', 'iframe', 'link'];

/** On other machines, the browser package has no Chromium. CI must run this test. */
const where = CAN_RUN || process.env.CI !== undefined ? describe : describe.skip;

let chromium: OpenBrowser;
let thief: Thief;
const closing: (() => unknown)[] = [];

/** An endpoint that accepts any credentials, with things to read, send to and store in. */
let engines: Engines;
let easy: Prey;
let batchApi: string;

beforeAll(async () => {
  const directory = mkdtempSync(join(tmpdir(), 'batchdrop-prey-'));
  closing.push(() => rmSync(directory, { recursive: true, force: true }));
  const clock = new VirtualClock();
  const invocations = { invoke: async () => {}, invokeLater: () => {}, report: () => {} };
  engines = new Engines({ directory, clock, invocations, authorizer: new Authorizer() });
  closing.push(
    () => clock.close(),
    () => engines.close(),
  );
  engines.s3.createBucket(BUCKET, { versioned: true, eventBridge: false });
  engines.sqs.queues.createQueue('cancel', { time: 'clock' });
  engines.secrets.putSecret('others', SECRET);
  const endpoint = await startEndpoint({ services: engines.all, port: 0 });
  closing.push(() => endpoint.close());
  const s3 = new S3Client(clientConfig(endpoint.url));
  await s3.send(
    new PutObjectCommand({ Bucket: BUCKET, Key: 'page.html', Body: STORED, ContentType: 'text/html' }),
  );
  s3.destroy();
  easy = { base: endpoint.url, requestBucket: BUCKET, queuePath: '/000000000000/cancel', secret: 'others' };
  const api = await startBatchApi({ directory: join(directory, 'openai'), clock });
  closing.push(() => api.close());
  batchApi = new URL(api.url).origin;
  if (!CAN_RUN) return;
  chromium = await openBrowser({ hosts: [THIEF_HOST] });
  closing.push(() => chromium.close());
  thief = await Thief.open(chromium.browser);
  closing.push(() => thief.close());
}, 120_000);

afterAll(async () => {
  for (const close of closing.reverse()) await close();
});

/** Returns the objects and messages that the test itself did not put there. */
async function taken(): Promise<{ objects: string[]; messages: number }> {
  const s3 = new S3Client(clientConfig(easy.base));
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: BUCKET }));
  s3.destroy();
  const queue = engines.sqs.queues.find('cancel') ?? expect.fail('there is no queue');
  const objects = Contents.map(({ Key = '' }) => Key).filter((key) => key !== 'page.html');
  const { visible: messages } = engines.sqs.queues.counts(queue);
  return { objects, messages };
}

/** Expects that nothing was read: no response, a response that the page may not read, or a refusal. */
function expectNothing(loot: Loot): void {
  expect(Object.keys(loot)).toEqual(expect.arrayContaining(OTHER_WAYS));
  for (const [how, got] of Object.entries(loot)) {
    expect({ how, got }).toEqual({ how, got: expect.stringMatching(/^(nothing$|opaque 0 $|basic 403 )/) });
    expect(got).not.toContain(SECRET);
  }
}

/** Where the page may come from: another port, which is another origin of the same site, or other names. */
const ORIGINS = ['127.0.0.1', 'localhost', THIEF_HOST];

where('a browser', () => {
  it('keeps a page from reading another origin, and lets it read one that allows it', async () => {
    const silent = await serve((_, response) => response.end(SECRET));
    const open = await serve((_, response) =>
      response.setHeader('access-control-allow-origin', '*').end(SECRET),
    );
    const context = await chromium.browser.newContext();
    const page = await context.newPage();
    await page.goto(`http://127.0.0.1:${thief.port}/`);
    const read = (port: number) =>
      page.evaluate(`fetch('http://127.0.0.1:${port}/').then((r) => r.text(), (e) => String(e))`);
    expect(await read(silent.port)).toBe('TypeError: Failed to fetch');
    expect(await read(open.port)).toBe(SECRET);
    await context.close();
    for (const server of [silent, open]) await server.close();
  });

  it('gives everything to a page whose name resolves to an endpoint without a guard', async () => {
    const proxy = await unguarded(easy.base);
    const loot = await thief.rebound({ ...easy, base: `http://127.0.0.1:${proxy.port}` });
    await proxy.close();
    expect(loot.secret).toContain(SECRET);
    expect(loot.list).toContain('page.html');
    expect(await taken()).toEqual({ objects: ['put.jsonl'], messages: 1 });
  });
});

where('a malicious page', () => {
  it.each(ORIGINS)('at %s gets nothing from an endpoint that accepts any credentials', async (host) => {
    const before = await taken();
    for (const name of ['127.0.0.1', 'localhost', `${BUCKET}.localhost`]) {
      const { port } = new URL(easy.base);
      expectNothing(await thief.from(host, { ...easy, base: `http://${name}:${port}` }));
    }
    expect(await taken()).toEqual(before);
  });

  it('gets nothing through a name that it made resolve to the endpoint', async () => {
    const before = await taken();
    expectNothing(await thief.rebound(easy));
    expect(await taken()).toEqual(before);
  });

  it('gets nothing from the Batch API server', async () => {
    const prey = { ...easy, base: batchApi, requestBucket: 'v1/files', queuePath: '/v1/batches' };
    for (const host of ORIGINS) expectNothing(await thief.from(host, prey));
    expectNothing(await thief.rebound(prey));
  });

  it('gets nothing from batchdrop up --real, and spends nothing', async () => {
    const laptop = await LocalRuntime.open();
    closing.push(() => laptop.close());
    const run = laptop.run('--yes');
    await expect.poll(() => run.printed, { timeout: 150_000 }).toContain('Batchdrop is up');
    const { url: base, requestBucket, cancelQueueUrl } = laptop.names;
    const prey = {
      base,
      requestBucket,
      queuePath: new URL(cancelQueueUrl).pathname,
      secret: 'batchdrop/openai',
    };
    for (const host of ORIGINS) expectNothing(await thief.from(host, prey));
    const loot = await thief.rebound(prey);
    expectNothing(loot);
    expect(JSON.stringify(loot)).not.toContain(KEY);
    // Even a program on this machine needs the credentials of the data directory.
    const proxy = await unguarded(base);
    expectNothing(await thief.rebound({ ...prey, base: `http://127.0.0.1:${proxy.port}` }));
    await proxy.close();

    await laptop.untilLooked(3);
    const s3 = new S3Client({ ...clientConfig(base), credentials: laptop.credentials });
    const { KeyCount } = await s3.send(new ListObjectsV2Command({ Bucket: requestBucket }));
    s3.destroy();
    expect(KeyCount).toBe(0);
    expect(laptop.asked('file.created')).toEqual([]);
    expect(laptop.asked('batch.created')).toEqual([]);
    expect(run.printed).not.toMatch(/^\S+ {2}(job|batch|cancel) /m);
    await run.end('SIGINT');
  }, 300_000);
});
