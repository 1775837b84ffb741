import { afterEach, describe, expect, it } from 'vitest';
import { connectionTo } from '../../bin/connection.ts';
import { followJob } from '../../bin/jobs.ts';
import { jobIdOf } from '../../functions/shared/core/job-id.ts';
import { ChildRuntime } from './child-runtime.ts';
import { chatRows, idsIn, Outsider } from './stock-clients.ts';

let running: ChildRuntime | undefined;

afterEach(async () => {
  await running?.discard();
  running = undefined;
});

async function start(speed: number, directory?: string): Promise<ChildRuntime> {
  running = await ChildRuntime.start(directory === undefined ? { speed } : { speed, directory });
  return running;
}

/** Puts a file and answers its job id. */
async function put(runtime: ChildRuntime, key: string, file: string): Promise<string> {
  const outsider = new Outsider(runtime.names);
  try {
    const versionId = await outsider.put(key, file);
    return jobIdOf({ bucket: runtime.names.requestBucket, key, versionId });
  } finally {
    outsider.close();
  }
}

async function statusOf(runtime: ChildRuntime, jobId: string): Promise<string | undefined> {
  const connection = connectionTo(runtime.names);
  try {
    const job = await connection.ledger.readJob(jobId);
    const [part] = job?.plan ? await connection.ledger.partsOf(jobId, job.plan.planId) : [];
    return part?.batch?.status;
  } finally {
    connection.close();
  }
}

/** Waits for the end of a job; answers how it ended and the ids in its output. */
async function endOf(
  runtime: ChildRuntime,
  jobId: string,
): Promise<{ status: string | undefined; ids: string[] }> {
  const connection = connectionTo(runtime.names);
  const outsider = new Outsider(runtime.names);
  try {
    const job = await followJob(connection, jobId, { signal: AbortSignal.timeout(45_000) });
    const key = `${job?.request.key}/${jobId}/output.jsonl`;
    const output = job?.status === 'completed' ? await outsider.read(runtime.names.resultsBucket, key) : '';
    return { status: job?.status, ids: idsIn(output) };
  } finally {
    outsider.close();
    connection.close();
  }
}

function batchesOf(runtime: ChildRuntime, jobId: string): number {
  return runtime.openAiAudit.filter(
    (entry) => entry.event === 'batch.created' && entry.metadata?.batchdrop_job === jobId,
  ).length;
}

describe('a runtime that is killed', () => {
  it('in the middle of a batch goes on with that batch when it is started again', async () => {
    const first = await start(60);
    const file = chatRows(40, 'survive');
    const jobId = await put(first, 'mid-batch.jsonl', file);
    await expect.poll(() => statusOf(first, jobId), { timeout: 30_000, interval: 20 }).toBe('in_progress');
    const functions = first.functionPids();
    expect(functions.length).toBeGreaterThan(0);
    await first.kill();
    await expect.poll(() => functions.filter(isAlive), { timeout: 10_000 }).toEqual([]);

    const second = await start(300, first.directory);
    expect(await endOf(second, jobId)).toEqual({ status: 'completed', ids: idsIn(file) });
    expect(batchesOf(second, jobId)).toBe(1);
  });

  it('right after it took a file still runs it once, and the bytes of the killed run are whole', async () => {
    const first = await start(60);
    const file = chatRows(40, 'sudden');
    const jobId = await put(first, 'right-after-put.jsonl', file);
    await first.kill();

    const second = await start(600, first.directory);
    expect(await endOf(second, jobId)).toEqual({ status: 'completed', ids: idsIn(file) });
    expect(batchesOf(second, jobId)).toBe(1);
  });
});

describe('a runtime that is stopped', () => {
  it('ends with exit code 0 and takes its function processes with it', async () => {
    const runtime = await start(60);
    await expect.poll(() => runtime.functionPids().length, { timeout: 15_000 }).toBeGreaterThan(0);
    const functions = runtime.functionPids();
    expect(await runtime.stop()).toBe(0);
    expect(functions.filter(isAlive)).toEqual([]);
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
