import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jobIdOf } from '../../../functions/shared/domain/job-id.ts';
import { chatRows, idsIn } from '../../local/endpoint/chat-rows.ts';
import { UserProgram } from '../../local/endpoint/user-program.ts';
import { batchdrop, ChildRuntime } from '../child-runtime.ts';

const EXAMPLES = fileURLToPath(new URL('../../../examples/', import.meta.url));

let runtime: ChildRuntime;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'batchdrop-cli-'));
  runtime = await ChildRuntime.start({ speed: 120 });
});

afterAll(async () => {
  await runtime?.discard();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs a command against the runtime, in its own folder. */
function cli(...args: string[]) {
  return batchdrop([...args, '--data', runtime.directory], { cwd: folder });
}

function fileOf(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

describe('batchdrop', () => {
  it('submits a file, waits for it, lists it and downloads its results', async () => {
    const file = chatRows(20, 'cli');
    const submitted = await cli(
      'submit',
      fileOf('mine.jsonl', file),
      '--wait',
      '--json',
      '--meta',
      'team=red',
    );
    const [job] = JSON.parse(submitted.stdout);
    expect(submitted).toMatchObject({ code: 0, stderr: '' });
    expect(job).toMatchObject({ status: 'completed', rows: { total: 20, succeeded: 20 } });

    const listed = await cli('list', '--status', 'completed');
    expect(listed.stdout).toMatch(
      new RegExp(`^${job.jobId.slice(0, 8)}  completed +20 +0  \\$[\\d.]+ +\\d+[smhd]  mine.jsonl$`, 'm'),
    );

    const fetched = await cli('results', job.jobId.slice(0, 8));
    const results = join(folder, job.jobId);
    expect(fetched.code).toBe(0);
    expect(readdirSync(results).toSorted()).toEqual(['errors.jsonl', 'output.jsonl', 'summary.json']);
    expect(idsIn(readFileSync(join(results, 'output.jsonl'), 'utf8'))).toEqual(idsIn(file));

    const full = join(folder, 'full');
    mkdirSync(full);
    symlinkSync('/dev/full', join(full, 'output.jsonl.part')); // a write to it fails as on a full disk
    const failed = await cli('results', job.jobId, '--out', full);
    expect(failed).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^No space is left on the disk\. .*\n$/),
    });
    expect(readdirSync(full)).toEqual([]);
  });

  it('writes the results as one table, joined with a file, in each format', async () => {
    const ids = Array.from({ length: 5 }, (_, at) => `row-${at}`);
    const user = new UserProgram(runtime.names);
    const { requestBucket: bucket } = runtime.names;
    const versionId = await user.put('table.jsonl', chatRows(5, 'table'), { 'batchdrop-format': 'csv' });
    const jobId = jobIdOf({ bucket, key: 'table.jsonl', versionId });
    const Key = `table.jsonl/${jobId}/summary.json`;
    const summary = () => user.s3.send(new HeadObjectCommand({ Bucket: runtime.names.resultsBucket, Key }));
    await expect.poll(() => summary().catch(() => undefined), { timeout: 60_000 }).toBeDefined();
    user.close();
    await expect
      .poll(async () => (await cli('results', jobId, '-o', 'table')).code, { timeout: 60_000 })
      .toBe(0);
    const inCloud = readFileSync(join(folder, 'table', 'output.csv'), 'utf8');

    const printed = await cli('results', jobId, '--format', 'csv');
    expect(printed).toMatchObject({ code: 0, stderr: '5 rows: 5 succeeded, 0 failed.\n' });
    expect(printed.stdout).toBe(inCloud);
    expect(printed.stdout).toMatch(/^custom_id,answer,outcome,.*\nrow-0,/);

    fileOf(
      'reviews.csv',
      `id,outcome\nrow-9,x\n${ids
        .toReversed()
        .map((id) => `${id},=of ${id}\n`)
        .join('')}`,
    );
    const join1 = ['--join', 'reviews.csv', '--id', 'id', '--fields', 'custom_id,input_outcome,answer'];
    const joined = await cli(
      'results',
      jobId,
      '--format',
      'csv',
      '--spreadsheet',
      ...join1,
      '-o',
      'joined.csv',
    );
    expect(joined).toMatchObject({ code: 0, stdout: '' });
    expect(joined.stderr).toContain('1 row of reviews.csv match no request');
    const table = readFileSync(join(folder, 'joined.csv'), 'utf8').split('\n');
    expect(table[0]).toBe('custom_id,input_outcome,answer');
    for (const [at, id] of ids.entries()) expect(table[at + 1]).toMatch(new RegExp(`^${id},'=of ${id},.`));

    for (const format of ['jsonl', 'parquet']) {
      const file = join(folder, `table.${format}`);
      expect((await cli('results', jobId, '--format', format, ...join1, '-o', file)).code).toBe(0);
      const database = await (await DuckDBInstance.create(':memory:')).connect();
      const read = await database.runAndReadAll(`SELECT custom_id, input_outcome FROM '${file}'`);
      expect(read.getRowObjectsJson()).toEqual(
        ids.map((id) => ({ custom_id: id, input_outcome: `=of ${id}` })),
      );
    }
    expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([]);

    const wrong = await cli('results', jobId, '--fields', 'custom_id');
    expect(wrong).toMatchObject({
      code: 1,
      stderr: '--fields works only with --format csv, parquet or jsonl.\n',
    });
  });

  it('prints no control, bidi or other invisible characters of a key or an argument', async () => {
    const hostile = 'a\u202e\u009b2J\u001b[2J\r\nb\u200b\u{e0041}';
    const key = `${hostile}.jsonl`;
    const path = fileOf('hostile.jsonl', chatRows(1, 'hostile'));
    const outcomes = [
      await cli('submit', path, '--name', key, '--wait'),
      await cli('submit', path, '--name', key, '--json'),
      await cli('list'),
      await cli('list', '--json'),
      await cli('results', hostile),
      await cli('submit', `${hostile}.jsonl`),
      await cli('submit', path, '--dry-run', '--name', key),
      await cli(`list${hostile}`),
      await cli('list', `--${hostile}`),
      await cli('list', '--limit', hostile),
      await cli('list', hostile),
      await batchdrop(['list', '--data', hostile], { cwd: folder }),
      await batchdrop(['up', '--data', path, '--batch-api', hostile], { cwd: folder }),
    ];
    const printed = [...outcomes.flatMap(({ stdout, stderr }) => [stdout, stderr]), runtime.printed];
    for (const text of printed) expect(text).not.toMatch(/[^\P{C}\n]|[\u2028\u2029]/u);
    expect(
      printed.join('').split('a\\u202e\\u009b2J\\u001b[2J\\r\\nb\\u200b\\udb40\\udc41').length,
    ).toBeGreaterThan(10);
    expect(outcomes.map(({ code }) => code)).toEqual([0, 0, 0, 0, 1, 1, 0, 2, 2, 2, 2, 1, 1]);
  });

  it('runs the same bytes again only with --rerun', async () => {
    const file = fileOf('again.jsonl', chatRows(2, 'again'));
    const submit = async (...options: string[]) => {
      const { stdout } = await cli('submit', file, '--wait', '--json', ...options);
      return JSON.parse(stdout)[0].jobId;
    };
    const first = await submit();
    expect(await submit('--meta', 'rerun=yes')).toBe(first); // the job that it joined
    expect(await submit('--rerun')).not.toBe(first);
  });

  it('downloads results that match no request, if there are any', async () => {
    const submitted = await cli('submit', fileOf('odd.jsonl', chatRows(1, 'odd')), '--wait', '--json');
    const [{ jobId }] = JSON.parse(submitted.stdout);
    const user = new UserProgram(runtime.names);
    const Key = `odd.jsonl/${jobId}/anomalies.jsonl`; // the name that DELIVER uses; the local API has no such results
    const Body = '{"custom_id":"stranger"}\n';
    await user.s3.send(new PutObjectCommand({ Bucket: runtime.names.resultsBucket, Key, Body }));
    user.close();
    expect((await cli('results', jobId, '--out', join(folder, 'odd'))).code).toBe(0);
    expect(readFileSync(join(folder, 'odd', 'anomalies.jsonl'), 'utf8')).toBe(Body);
  });

  it('completes the good examples, and rejects the one with bad lines with a report on each line', async () => {
    const good = await cli(
      'submit',
      ...['responses.jsonl', 'embeddings.jsonl'].map((name) => join(EXAMPLES, name)),
      '--wait',
    );
    expect(good).toMatchObject({ code: 0, stderr: '' });

    const file = join(EXAMPLES, 'with-bad-lines.jsonl');
    const refused = await cli('submit', file);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(
      /with-bad-lines\.jsonl:2: .*\n[\s\S]* would be rejected with \d+ findings; nothing was sent\n$/,
    );
    expect(JSON.parse((await cli('list', '--status', 'rejected', '--json')).stdout)).toEqual([]);

    const bad = await cli('submit', file, '--no-check', '--wait', '--json');
    const [job] = JSON.parse(bad.stdout);
    expect(bad.code).toBe(1);
    expect(job).toMatchObject({ status: 'rejected' });
    expect(bad.stderr.split('\n')).toEqual([
      ...[2, 3, 4, 5, 6].map((line) => expect.stringContaining(`with-bad-lines.jsonl:${line}: `)),
      expect.stringMatching(/with-bad-lines\.jsonl: rejected with \d+ findings; nothing was sent$/),
      expect.stringMatching(/^ {2}report: s3:\/\/.*\/rejected\.json$/),
      `  to get all findings: batchdrop results ${job.jobId.slice(0, 8)}`,
      '',
    ]);
    expect((await cli('results', job.jobId, '--out', join(folder, 'report'))).code).toBe(0);
    const report = readFileSync(join(folder, 'report', 'rejected.json'), 'utf8');
    for (const line of [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]) expect(report).toContain(`"line": ${line},`);
  });

  it('cancels a running batch, whose partial results can be downloaded', async () => {
    const submitted = await cli('submit', fileOf('long.jsonl', chatRows(48_000, 'long')), '--json');
    const [{ jobId }] = JSON.parse(submitted.stdout);
    const user = new UserProgram(runtime.names);
    const heard = await user.subscribe('cli-cancel', runtime.names.eventBus, { source: ['batchdrop'] });
    await heard.until(
      'the running batch',
      ({ detail }) => detail.metadata.jobId === jobId && detail.data.status === 'in_progress',
    );
    expect(await cli('cancel', jobId.slice(0, 8))).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(
        new RegExp(
          `^Cancelled: long\\.jsonl\\. The job ends when .*\nTo wait for it: batchdrop wait ${jobId.slice(0, 8)}\n$`,
        ),
      ),
    });
    const cancelled = await heard.untilJob(jobId, 'cancelled');
    user.close();

    const { total, succeeded, cancelled: unfinished } = Object(cancelled.detail.data.rows);
    expect({ total, sum: succeeded + unfinished }).toEqual({ total: 48_000, sum: 48_000 });
    expect(succeeded).toBeGreaterThan(0);
    expect(unfinished).toBeGreaterThan(0);
    expect((await cli('results', jobId, '--out', join(folder, 'partial'))).code).toBe(0);
    const output = readFileSync(join(folder, 'partial', 'output.jsonl'), 'utf8');
    expect(idsIn(output)).toHaveLength(succeeded);
    expect(await cli('cancel', jobId)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^Job \w+ of long\.jsonl is already cancelled\. Nothing was cancelled\./),
    });
  });

  it('never uses an object key as a path', async () => {
    const user = new UserProgram(runtime.names);
    await user.put('../../outside.jsonl', `${chatRows(1, 'outside')}broken`);
    user.close();
    const rejected = async () => JSON.parse((await cli('list', '--status', 'rejected', '--json')).stdout);
    const isOutside = expect.objectContaining({
      requestFile: expect.objectContaining({ key: '../../outside.jsonl' }),
    });
    await expect.poll(rejected, { timeout: 30_000, interval: 200 }).toContainEqual(isOutside);
    const jobs: { jobId: string; requestFile: { key: string } }[] = await rejected();
    const jobId = jobs.find(({ requestFile }) => requestFile.key.includes('outside'))?.jobId ?? '';
    const nested = join(folder, 'a', 'b');
    mkdirSync(nested, { recursive: true });
    await batchdrop(['results', jobId, '--data', runtime.directory], { cwd: nested });
    expect(readdirSync(nested)).toEqual([jobId]);
    expect(readdirSync(join(folder, 'a'))).toEqual(['b']);
  });

  it('finds the runtime by its URL alone', async () => {
    const listed = await batchdrop(['list', '--json', '--endpoint', runtime.names.url], { cwd: folder });
    expect(listed.code).toBe(0);
    expect(JSON.parse(listed.stdout)).toContainEqual(
      expect.objectContaining({ requestFile: expect.objectContaining({ key: 'chat-completions.jsonl' }) }),
    );
  });
});

describe('batchdrop says what to do if', () => {
  it.each([
    [
      'no runtime exists',
      ['list', '--data', 'nowhere'],
      1,
      /No Batchdrop is running in nowhere\. Start one with npm start/,
    ],
    [
      'the endpoint does not respond',
      ['list', '--endpoint', 'http://127.0.0.1:9'],
      1,
      /No Batchdrop is running at the endpoint/,
    ],
    ['the command is unknown', ['frobnicate'], 2, /unknown command 'frobnicate'/],
    ['no file is given', ['submit'], 2, /missing required argument 'file'/],
    [
      '--real is used with a speed',
      ['up', '--real', '--speed', '60'],
      2,
      /'--real' cannot be used with option '--speed/,
    ],
    ['--real is used with --exit', ['up', '--real', '--exit'], 2, /cannot be used with option '--real'/],
    [
      '--real has no key',
      ['up', '--real'],
      1,
      /--real needs an API key\. Set the environment variable OPENAI_API_KEY/,
    ],
    ['the port is invalid', ['up', '--port', 'http'], 2, /--port must be a whole number from 0 to 65535/],
  ])('%s', async (_, args, code, sentence) => {
    const answer = await batchdrop(args, { cwd: folder });
    expect(answer.stderr).toMatch(sentence);
    expect(answer.stderr).not.toMatch(/^\s+at /m);
    expect(answer.code).toBe(code);
  });

  it.each([
    ['no job id has this prefix', ['results', 'abcd'], /There is no job whose id begins with abcd/],
    ['the batch is unknown', ['results', 'batch_none'], /There is no batch batch_none in this Batchdrop/],
    ['a file does not exist', ['submit', 'gone.jsonl'], /gone.jsonl cannot be read/],
    ['cancel has no id', ['cancel'], /Give either an id or --key KEY/],
    ['cancel has the id of no job', ['cancel', 'a'.repeat(26)], /There is no job a{26}\. To see the jobs/],
    ['cancel has an invalid id', ['cancel', 'no such id'], /'no such id' is not an id. Give a job id or/],
  ])('%s', async (_, args, sentence) => {
    const answer = await cli(...args);
    expect(answer.stderr).toMatch(sentence);
    expect(answer.code).toBe(1);
  });

  it('the data directory is in use', async () => {
    const answer = await cli('up', '--port', '0');
    expect(answer).toMatchObject({ code: 1 });
    expect(answer.stderr).toContain(`in use by a running runtime (pid ${runtime.names.pid})`);
  });

  it('the port is in use', async () => {
    const other = createServer();
    const port = await new Promise<number>((resolve) =>
      other.listen(0, '127.0.0.1', () => {
        const address = other.address();
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      }),
    );
    const answer = await batchdrop(['up', '--port', String(port), '--ephemeral'], { cwd: folder });
    other.close();
    expect(answer.stderr).toMatch(new RegExp(`^Port ${port} is already in use: .*--port`));
    expect(answer.code).toBe(1);
  });
});
