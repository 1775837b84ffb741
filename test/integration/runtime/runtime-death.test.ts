import { afterEach, describe, expect, it } from 'vitest';
import { connectionTo } from '../../../bin/connection/connection.ts';
import { followJob } from '../../../bin/jobs/follow-job.ts';
import { jobIdOf } from '../../../functions/shared/domain/job-id.ts';
import { chatRows, idsIn } from '../../local/endpoint/chat-rows.ts';
import { UserProgram } from '../../local/endpoint/user-program.ts';
import { ChildRuntime } from '../child-runtime.ts';

let started: ChildRuntime | undefined;

afterEach(async () => {
  await started?.discard();
  started = undefined;
});

async function start(speed: number, directory?: string): Promise<ChildRuntime> {
  started = await ChildRuntime.start(directory === undefined ? { speed } : { speed, directory });
  return started;
}

/** Uploads a file and returns its job id. */
async function put(runtime: ChildRuntime, key: string, file: string): Promise<string> {
  const user = new UserProgram(runtime.names);
  try {
    const versionId = await user.put(key, file);
    return jobIdOf({ bucket: runtime.names.requestBucket, key, versionId });
  } finally {
    user.close();
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

/** Waits for the end of a job. Returns its last status and the ids in its output. */
async function endOf(
  runtime: ChildRuntime,
  jobId: string,
): Promise<{ status: string | undefined; ids: string[] }> {
  const connection = connectionTo(runtime.names);
  const user = new UserProgram(runtime.names);
  try {
    const job = await followJob(connection, jobId, { signal: AbortSignal.timeout(45_000) });
    const key = `${job?.request.key}/${jobId}/output.jsonl`;
    const output = job?.status === 'completed' ? await user.read(runtime.names.resultsBucket, key) : '';
    return { status: job?.status, ids: idsIn(output) };
  } finally {
    user.close();
    connection.close();
  }
}

function batchesOf(runtime: ChildRuntime, jobId: string): number {
  return runtime.openAiAudit.filter(
    (entry) => entry.event === 'batch.created' && entry.metadata?.batchdrop_job === jobId,
  ).length;
}

describe('a runtime that is killed during a batch and right after another upload', () => {
  it('completes both after a restart, with one batch each, and then stops without leaving a process', async () => {
    const first = await start(60);
    const [running, taken] = [chatRows(40, 'running'), chatRows(30, 'taken')];
    const runningJob = await put(first, 'mid-batch.jsonl', running);
    await expect
      .poll(() => statusOf(first, runningJob), { timeout: 30_000, interval: 20 })
      .toBe('in_progress');
    const functions = first.functionPids();
    expect(functions.length).toBeGreaterThan(0);
    const takenJob = await put(first, 'right-after-put.jsonl', taken);
    await first.kill();
    await expect.poll(() => functions.filter(isAlive), { timeout: 10_000 }).toEqual([]);

    const second = await start(600, first.directory);
    expect(await endOf(second, runningJob)).toEqual({ status: 'completed', ids: idsIn(running) });
    expect(await endOf(second, takenJob)).toEqual({ status: 'completed', ids: idsIn(taken) });
    expect(batchesOf(second, runningJob)).toBe(1);
    expect(batchesOf(second, takenJob)).toBe(1);

    await expect.poll(() => second.functionPids().length, { timeout: 15_000 }).toBeGreaterThan(0);
    const left = second.functionPids();
    expect(await second.stop()).toBe(0);
    expect(left.filter(isAlive)).toEqual([]);
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
