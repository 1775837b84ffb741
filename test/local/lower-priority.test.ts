import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { lowerPriority } from '../../local/lambda/lower-priority.ts';

const GROUPS = '/proc/sys/kernel/sched_autogroup_enabled';
const sessionsCompete = existsSync(GROUPS) && readFileSync(GROUPS, 'utf8').trim() === '1';

const processes: ChildProcess[] = [];

/** Starts a process that does nothing, as a session of its own, like those of functions. */
async function startProcess(): Promise<number> {
  const started = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1_000)'], {
    detached: true,
    stdio: 'ignore',
  });
  processes.push(started);
  await once(started, 'spawn');
  return started.pid ?? Number.NaN;
}

afterEach(async () => {
  const ended = processes.splice(0).map(async (each) => {
    each.kill('SIGKILL');
    if (each.exitCode === null && each.signalCode === null) await once(each, 'exit');
  });
  await Promise.all(ended);
});

const lowered = () => Math.min(getPriority() + 5, 19);

describe('the priority of a process', () => {
  it('is lower than that of this one, which may be low itself', async () => {
    const pid = await startProcess();
    lowerPriority(pid);
    expect(getPriority(pid)).toBe(lowered());
  });

  it.runIf(sessionsCompete)('is also that of its session, even if many start at once', async () => {
    const pids = await Promise.all(Array.from({ length: 4 }, startProcess));
    for (const pid of pids) lowerPriority(pid);
    const all = () =>
      pids.map((pid) => /nice (-?\d+)/.exec(readFileSync(`/proc/${pid}/autogroup`, 'utf8'))?.[1]);
    await vi.waitUntil(() => all().every((nice) => nice === `${lowered()}`), { timeout: 60_000 });
  });

  it('is nothing to worry about once the process has ended', async () => {
    const pid = await startProcess();
    processes[0]?.kill('SIGKILL');
    await once(processes[0] ?? process, 'exit');
    expect(() => lowerPriority(pid)).not.toThrow();
  });
});
