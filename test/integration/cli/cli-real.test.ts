import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { FaultRule } from '../../../local/openai/faults/faults.ts';
import { chatRows, idsIn } from '../../local/endpoint/chat-rows.ts';
import { batchdrop } from '../child-runtime.ts';
import { KEY, LocalRuntime } from '../local-runtime.ts';

let laptop: LocalRuntime;
const others: LocalRuntime[] = [];

beforeAll(async () => {
  laptop = await LocalRuntime.open();
});

afterEach(() => laptop.endRuns());

afterAll(async () => {
  for (const one of [laptop, ...others]) await one?.close();
});

async function opened(...faults: FaultRule[]): Promise<LocalRuntime> {
  const other = await LocalRuntime.open({ faults });
  others.push(other);
  return other;
}

describe('batchdrop up --real, over https with a private certificate authority', () => {
  it('sends nothing before a yes, not even after a kill, cancels after a no, and downloads results once', async () => {
    const first = laptop.run();
    await first.untilPrinted('Batchdrop is up');
    const unwanted = await laptop.drop('unwanted.jsonl', chatRows(3, 'no'));
    expect(await first.untilAsked()).toContain(`Send 3 rows to ${laptop.apiUrl}`);
    expect(first.printed).toContain('unwanted.jsonl: 3 rows of gpt-4o-mini in 1 batch');
    await laptop.untilLooked(10);
    expect(laptop.asked('file.created')).toEqual([]);
    await first.end('SIGKILL');

    const second = laptop.run();
    expect(await second.untilAsked()).toContain('Send 3 rows');
    await laptop.untilLooked(5);
    expect(laptop.asked('file.created')).toEqual([]);
    second.answer('no');
    await second.untilPrinted('unwanted.jsonl is cancelled. Nothing of it was sent');
    const file = chatRows(24, 'yes');
    const wanted = await laptop.drop('wanted.jsonl', file);
    expect(await second.untilAsked()).toContain('Send 24 rows');
    second.answer('yes');
    await expect.poll(() => laptop.asked('batch.created').length, { timeout: 45_000 }).toBe(1);
    await second.end('SIGKILL');

    const third = laptop.run();
    await third.untilPrinted(`wanted.jsonl  completed: its results are in data/results/${wanted}/`);
    const results = join(laptop.folder, 'data', 'results', wanted);
    expect(idsIn(readFileSync(join(results, 'output.jsonl'), 'utf8'))).toEqual(idsIn(file));
    expect(third.hasAsked).toBe(false);
    expect(laptop.asked('batch.created')).toHaveLength(1);
    await third.end('SIGINT');

    const fourth = laptop.run();
    await fourth.untilPrinted('Batchdrop is up');
    await laptop.drop('broken.jsonl', 'broken');
    // It first downloads the results of earlier runs.
    await fourth.untilPrinted('broken.jsonl  rejected: its report is in');
    await fourth.end('SIGINT');
    expect(fourth.printed).not.toContain('its results are in');
    expect(existsSync(join(laptop.folder, 'data', 'results', unwanted, 'output.jsonl'))).toBe(true);
  }, 180_000);

  it('asks nothing with --yes, but does not end a pause of an earlier run', async () => {
    const run = laptop.run('--yes');
    await run.untilPrinted('An earlier run paused submission. To send waiting files: npx batchdrop resume');
    await run.untilPrinted('Batchdrop is up'); // printed before the endpoints are announced
    const before = laptop.asked('batch.created').length;
    const jobId = await laptop.drop('later.jsonl', chatRows(2, 'later'));
    await run.untilPrinted('later.jsonl  2 rows in 1 batch');
    await run.untilPrinted(jobId);
    expect(run.hasAsked).toBe(false);
    const cli = (...args: string[]) => batchdrop([...args, '--data', 'data'], { cwd: laptop.folder });
    await laptop.untilLooked(5);
    expect(laptop.asked('batch.created')).toHaveLength(before);
    expect((await cli('resume')).stdout).toMatch(/^Resumed\. Batchdrop sends 1 file with 2 rows/);
    await run.untilPrinted('later.jsonl  completed: its results are in');
    expect(run.hasAsked).toBe(false);
    await run.end('SIGINT');
  });
});

describe('batchdrop up --real, killed when the response to a create request was lost', () => {
  it('does not ask about rows that were sent, and finds their batch', async () => {
    const laptop = await opened({
      on: ['batches.create'],
      fault: { fault: 'reset-after' },
      rate: 1,
      times: 1,
    });
    const first = laptop.run();
    await first.untilPrinted('Batchdrop is up');
    const file = chatRows(5, 'sent');
    const jobId = await laptop.drop('sent.jsonl', file);
    await first.untilAsked();
    first.answer('yes');
    await expect.poll(() => laptop.asked('batch.created').length, { timeout: 45_000 }).toBe(1);
    await first.end('SIGKILL');

    const second = laptop.run();
    await second.untilPrinted('sent.jsonl  completed: its results are in');
    expect(second.hasAsked).toBe(false);
    expect(laptop.asked('batch.created')).toHaveLength(1);
    const output = join(laptop.folder, 'data', 'results', jobId, 'output.jsonl');
    expect(idsIn(readFileSync(output, 'utf8'))).toEqual(idsIn(file));
  });

  it('asks again about rows that were not sent', async () => {
    const laptop = await opened({ on: ['batches.create'], fault: { fault: 'reset' }, rate: 1, times: 1 });
    const first = laptop.run();
    await first.untilPrinted('Batchdrop is up');
    await laptop.drop('unsent.jsonl', chatRows(5, 'unsent'));
    await first.untilAsked();
    first.answer('yes');
    await expect.poll(() => laptop.asked('file.created').length, { timeout: 45_000 }).toBe(1);
    await laptop.untilLooked(2);
    await first.end('SIGKILL');

    const second = laptop.run();
    expect(await second.untilAsked()).toContain('Send 5 rows');
    expect(laptop.asked('batch.created')).toEqual([]);
    second.answer('yes');
    await second.untilPrinted('unsent.jsonl  completed: its results are in');
    expect(laptop.asked('batch.created')).toHaveLength(1);
  });
});

describe('batchdrop up --real, before anything starts,', () => {
  const key = { OPENAI_API_KEY: KEY };
  it.each([
    [
      'says that it cannot ask without a terminal',
      ['--real'],
      key,
      /stdin is not a terminal\. To send all files without asking, add --yes/,
    ],
    [
      'refuses a URL without https',
      ['--real', '--yes'],
      { ...key, OPENAI_BASE_URL: 'http://api.test/v1' },
      /^OPENAI_BASE_URL must start with https:/,
    ],
    [
      'says that the certificates do not exist',
      ['--real', '--yes'],
      { ...key, NODE_EXTRA_CA_CERTS: 'gone.pem' },
      /NODE_EXTRA_CA_CERTS is gone\.pem, but this file does not exist/,
    ],
    ['refuses --yes without --real', ['--yes'], {}, /--yes works only with --real/],
  ])('%s', async (_, args, env, sentence) => {
    const place = join(laptop.folder, 'empty');
    const { code, stderr } = await batchdrop(['up', ...args, '--data', place], { env });
    expect(stderr).toMatch(sentence);
    expect(code).toBe(1);
    expect(existsSync(place)).toBe(false);
  });
});
