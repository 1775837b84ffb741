/**
 * npm run bench:small-jobs [-- --files 500 --rows 20 --against DIRECTORY --calls]: measures how long hundreds of files
 * with a few rows take on one machine, from the first upload until each is submitted and until each has its results.
 * With --against, it also runs another checkout of the project, which must have its packages installed, and prints the
 * ratio. Exits with 1 if the ratio misses the goal. With --calls, it first measures how long the AWS calls of these
 * jobs take when two programs make them and nothing else runs.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { RuntimeEndpoints } from '../../../local/runtime/runtime-endpoints.ts';
import { chatRows } from '../../local/endpoint/chat-rows.ts';
import { clientConfig } from '../../local/endpoint/client-config.ts';

const GOAL = 0.5; // of the time of the other checkout
const UPLOADS_AT_ONCE = 8;
const PROGRAMS = 2; // one per core

const { values } = parseArgs({
  options: {
    files: { type: 'string', default: '500' },
    rows: { type: 'string', default: '20' },
    against: { type: 'string' },
    calls: { type: 'boolean', default: false },
  },
});

/** Seconds from the first upload. */
interface Times {
  submitted: number;
  completed: number;
}

if (values.calls) {
  const seconds = await withRuntime(process.cwd(), callsAlone);
  console.log(`${'their AWS calls alone'.padEnd(20)} ${seconds.toFixed(2)}`);
}
const here = await withRuntime(process.cwd(), measured);
show('this checkout', here);
if (values.against !== undefined) {
  const other = await withRuntime(resolve(values.against), measured);
  show(values.against, other);
  const ratios = { submitted: here.submitted / other.submitted, completed: here.completed / other.completed };
  show('ratio', ratios);
  if (Math.max(ratios.submitted, ratios.completed) > GOAL) {
    console.error(`over the goal of ${GOAL}`);
    process.exitCode = 1;
  }
}

function show(what: string, { submitted, completed }: Times): void {
  console.log(
    `${what.padEnd(20)} all submitted ${submitted.toFixed(2)}, all completed ${completed.toFixed(2)}`,
  );
}

/** Runs `use` with the runtime of a checkout, whose next lines are its events. */
async function withRuntime<T>(
  project: string,
  use: (endpoints: RuntimeEndpoints, lines: AsyncIterator<string>) => Promise<T>,
): Promise<T> {
  const node = join(project, 'node_modules', 'node', 'bin', 'node');
  const args = ['bin/batchdrop.ts', 'up', '--json', '--ephemeral', '--port', '0'];
  const runtime = spawn(node, args, { cwd: project, stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const lines = createInterface({ input: runtime.stdout })[Symbol.asyncIterator]();
    return await use(JSON.parse((await lines.next()).value ?? ''), lines);
  } finally {
    runtime.kill('SIGINT');
    await once(runtime, 'exit');
  }
}

async function measured(endpoints: RuntimeEndpoints, lines: AsyncIterator<string>): Promise<Times> {
  const started = performance.now();
  const uploaded = upload(endpoints);
  const files = Number(values.files);
  const submitted = new Set<string>();
  const completed = new Set<string>();
  const times: Times = { submitted: 0, completed: 0 };
  while (completed.size < files) {
    const { value: line, done } = await lines.next();
    if (done) throw new Error('the runtime ended');
    // Found by the key, because events of an older checkout may have other fields.
    const [key] = /"small\/\d+\.jsonl"/.exec(line) ?? [];
    const { 'detail-type': type, detail } = JSON.parse(line);
    if (type !== 'OpenAI Batch Job Status Change' || key === undefined) continue;
    const { status } = detail.data;
    if (status === 'submitted') submitted.add(key);
    else if (status === 'completed') completed.add(key);
    else if (status !== 'accepted') throw new Error(`${key} is ${status}`);
    if (submitted.size === files) times.submitted ||= (performance.now() - started) / 1000;
  }
  await uploaded;
  return { ...times, completed: (performance.now() - started) / 1000 };
}

/** Returns the seconds that the calls of as many jobs take. */
async function callsAlone(endpoints: RuntimeEndpoints): Promise<number> {
  const program = fileURLToPath(new URL('calls-alone.ts', import.meta.url));
  const jobs = Math.ceil(Number(values.files) / PROGRAMS);
  const started = performance.now();
  const ends = Array.from({ length: PROGRAMS }, async (_, n) => {
    const args = [program, JSON.stringify(endpoints), `${jobs}`, `program-${n}`];
    const [code] = await once(spawn(process.execPath, args, { stdio: 'inherit' }), 'exit');
    if (code !== 0) throw new Error(`program ${n} ended with ${code}`);
  });
  await Promise.all(ends);
  return (performance.now() - started) / 1000;
}

async function upload({ url, requestBucket }: RuntimeEndpoints): Promise<void> {
  const s3 = new S3Client(clientConfig(url));
  let next = 0;
  const uploader = async () => {
    for (let file = next++; file < Number(values.files); file = next++) {
      const Body = chatRows(Number(values.rows), `file-${file}`);
      await s3.send(new PutObjectCommand({ Bucket: requestBucket, Key: `small/${file}.jsonl`, Body }));
    }
  };
  await Promise.all(Array.from({ length: UPLOADS_AT_ONCE }, uploader));
  s3.destroy();
}
