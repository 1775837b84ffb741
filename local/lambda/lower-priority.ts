import { writeFileSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';

const NICER = 5; // a third of the share of a program with normal priority, if there are not enough cores for all
const NICEST = 19;
const RETRY_MS = 110; // Linux allows ten such changes a second, of all users' programs together
const TRIES = 300; // other runtimes may start at the same time

/**
 * Lets this process, with the services that all functions wait for, have a core before a function's process `pid` has one.
 * Otherwise each answer wakes a function that takes the core from the services, and the other core has nothing to do
 * meanwhile.
 */
export function lowerPriority(pid: number): void {
  const priority = Math.min(getPriority() + NICER, NICEST);
  try {
    setPriority(pid, priority);
  } catch {
    return; // the process has just ended
  }
  if (process.platform === 'linux') lowerSessionPriority(pid, priority, TRIES);
}

/** Linux may share out the cores among sessions first. Each process of a function is a session of its own. */
function lowerSessionPriority(pid: number, priority: number, tries: number): void {
  try {
    writeFileSync(`/proc/${pid}/autogroup`, `${priority}`);
  } catch (error) {
    // Any other error: the process has ended, or this Linux does not share out the cores in this way.
    if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN') || tries === 0) return;
    setTimeout(() => lowerSessionPriority(pid, priority, tries - 1), RETRY_MS).unref();
  }
}
