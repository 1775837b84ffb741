import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { get, type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream/promises';
import { ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { SignatureV4 } from '@smithy/signature-v4';
import type { RuntimeEndpoints } from '../../../local/runtime/runtime-endpoints.ts';
import { chatRows } from '../../local/endpoint/chat-rows.ts';
import { clientConfig } from '../../local/endpoint/client-config.ts';
import { Sha256 } from '../../local/iam/sha256.ts';
import { writeChatFile } from '../chat-file.ts';
import type { Figure } from '../figures.ts';
import { DOLLARS_PER_CPU_SECOND, FunctionCpu } from './function-cpu.ts';

const LARGE = 'large.jsonl';
const SMALL_JOBS = 100;
const SMALL_ROWS = 20;
const SAMPLED_EVERY_MS = 200;

/** One job or many through a whole runtime: the time that it took, and the CPU time of its functions. */
interface Run {
  seconds: number;
  cpuSeconds: number;
  byFunction: string;
}

/**
 * Compares a large file, from its upload to its results on one machine, with the sum of the copies that it needs in any
 * case. Also computes what its functions, and those of many small jobs, would cost in Lambda. Each runs once, because
 * it takes minutes.
 */
export async function endToEndFigures(directory: string, _turns: number, quick: boolean): Promise<Figure[]> {
  const file = join(directory, 'end-to-end.jsonl');
  const { bytes } = writeChatFile(file, quick ? 20_000_000 : 1_000_000_000, 4_000);
  const runtime = spawn(
    process.execPath,
    ['bin/batchdrop.ts', 'up', '--json', '--ephemeral', '--port', '0'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  try {
    const lines = createInterface({ input: readable(runtime) })[Symbol.asyncIterator]();
    const endpoints: RuntimeEndpoints = JSON.parse((await lines.next()).value ?? '');
    const s3 = new S3Client(clientConfig(endpoints.url));
    const put = async (key: string, body: string | ReturnType<typeof createReadStream>, length: number) => {
      const object = { Bucket: endpoints.requestBucket, Key: key, Body: body, ContentLength: length };
      await s3.send(new PutObjectCommand(object));
    };
    const large = await measured(runtime, lines, [LARGE], () => put(LARGE, createReadStream(file), bytes));
    const copies = await bareCopies(s3, endpoints);
    const jobs = quick ? 10 : SMALL_JOBS;
    const keys = Array.from({ length: jobs }, (_, job) => `small/${job}.jsonl`);
    const small = await measured(runtime, lines, keys, async () => {
      for (const [job, key] of keys.entries()) {
        const body = chatRows(SMALL_ROWS, `end-${job}`);
        await put(key, body, Buffer.byteLength(body));
      }
    });
    s3.destroy();
    return [largeFigure(large, copies, bytes), ...costFigures(large, small, bytes, jobs)];
  } finally {
    runtime.kill('SIGINT');
    await once(runtime, 'exit');
  }
}

function readable({ stdout }: ChildProcess) {
  if (stdout === null) throw new Error('the runtime has no output');
  return stdout;
}

/** `keys`: of the request files that are dropped. The example job of the start may end meanwhile. */
async function measured(
  runtime: ChildProcess,
  lines: AsyncIterator<string>,
  keys: readonly string[],
  drop: () => Promise<void>,
): Promise<Run> {
  const before = new FunctionCpu(runtime.pid ?? 0);
  before.sample();
  const cpu = new FunctionCpu(runtime.pid ?? 0);
  const sampler = setInterval(() => cpu.sample(), SAMPLED_EVERY_MS);
  const begun = performance.now();
  try {
    await drop();
    for (const open = new Set(keys); open.size > 0; ) {
      const { value, done } = await lines.next();
      if (done) throw new Error('the runtime ended');
      const { 'detail-type': type, detail } = JSON.parse(value);
      if (type !== 'OpenAI Batch Job Status Change') continue;
      const { status, requestFile } = detail.data;
      if (status === 'completed') open.delete(requestFile.key);
      else if (!['accepted', 'submitted'].includes(status))
        throw new Error(`${requestFile.key} is ${status}`);
    }
  } finally {
    clearInterval(sampler);
    cpu.sample();
  }
  const seconds = (performance.now() - begun) / 1000;
  const earlier = before.seconds();
  const byFunction = [...cpu.seconds()].map(([name, used]) => ({
    name: /-(\w+)-worker-function$/.exec(name)?.[1] ?? name,
    used: used - (earlier.get(name) ?? 0),
  }));
  return {
    seconds,
    cpuSeconds: byFunction.reduce((sum, { used }) => sum + used, 0),
    byFunction: byFunction.map(({ name, used }) => `${name} ${used.toFixed(1)}`).join(', '),
  };
}

/**
 * Returns the seconds to read the request file once, to copy it once, and to copy the results once, with the same S3.
 */
async function bareCopies(
  s3: S3Client,
  { url, requestBucket, resultsBucket }: RuntimeEndpoints,
): Promise<number> {
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: resultsBucket }));
  const isOutput = new RegExp(`^${LARGE}/.*/output\\.jsonl$`);
  const results = Contents.find(({ Key }) => isOutput.test(Key ?? ''))?.Key ?? '';
  const begun = performance.now();
  await pipeline(await opened(`${url}/${requestBucket}/${LARGE}`), async (source) => {
    for await (const _ of source);
  });
  await copied(`${url}/${requestBucket}/${LARGE}`, `${url}/${resultsBucket}/_bench/copy`);
  await copied(`${url}/${resultsBucket}/${results}`, `${url}/${resultsBucket}/_bench/results`);
  return (performance.now() - begun) / 1000;
}

async function opened(url: string): Promise<IncomingMessage> {
  const [source] = (await once(get(url), 'response')) as [IncomingMessage];
  if (source.statusCode !== 200) throw new Error(`GET ${url}: ${source.statusCode}`);
  return source;
}

async function copied(from: string, to: string): Promise<void> {
  const source = await opened(from);
  const put = request(await presigned(to), {
    method: 'PUT',
    headers: { 'content-length': source.headers['content-length'] },
  });
  const answer = once(put, 'response') as Promise<[IncomingMessage]>;
  await pipeline(source, put);
  const [{ statusCode }] = await answer;
  if (statusCode !== 200) throw new Error(`PUT ${to}: ${statusCode}`);
}

/** Even a plain PUT must be signed. */
async function presigned(to: string): Promise<string> {
  const { protocol, hostname, port, host, origin, pathname: path } = new URL(to);
  const { region, credentials } = clientConfig(origin);
  const signer = new SignatureV4({
    service: 's3',
    region,
    credentials,
    sha256: Sha256,
    uriEscapePath: false,
  });
  const put = { method: 'PUT', protocol, hostname, port: Number(port), path, query: {}, headers: { host } };
  const { query = {} } = await signer.presign(put, { expiresIn: 600 });
  return `${to}?${new URLSearchParams(query as Record<string, string>)}`;
}

function largeFigure({ seconds, cpuSeconds, byFunction }: Run, copies: number, bytes: number): Figure {
  return {
    what: `a file of ${(bytes / 1e6).toFixed(0)} MB from its drop to its results, against its bare copies`,
    ours: `${seconds.toFixed(1)} s, ${cpuSeconds.toFixed(1)} CPU-s of functions`,
    against: `${copies.toFixed(1)} s`,
    ratio: `${(seconds / copies).toFixed(1)}×`,
    goal: '',
    good: true,
    notes: `CPU seconds: ${byFunction}`,
  };
}

function costFigures(large: Run, small: Run, bytes: number, jobs: number): Figure[] {
  const dollars = (cpuSeconds: number) => `$${(cpuSeconds * DOLLARS_PER_CPU_SECOND).toFixed(5)}`;
  const perGb = large.cpuSeconds / (bytes / 1e9);
  const perThousand = (1000 * small.cpuSeconds) / jobs;
  const figure = (what: string, cpuSeconds: number, byFunction: string): Figure => ({
    what,
    ours: dollars(cpuSeconds),
    against: '–',
    ratio: `${cpuSeconds.toFixed(1)} CPU-s`,
    goal: '',
    good: true,
    notes: `of the run: ${byFunction}`,
  });
  return [
    figure('Lambda time for a GB, in dollars', perGb, large.byFunction),
    figure(
      `Lambda time for a thousand jobs of ${SMALL_ROWS} rows, in dollars`,
      perThousand,
      small.byFunction,
    ),
  ];
}
