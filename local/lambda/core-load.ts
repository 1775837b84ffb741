import { cpus } from 'node:os';

/**
 * Begins to watch the cores of the machine. Returns a function that says which share of the time since then they were
 * busy, from 0 to 1.
 */
export function watchCores(): () => number {
  const before = coreTimes();
  return () => {
    const now = coreTimes();
    const all = now.all - before.all;
    return all > 0 ? 1 - (now.idle - before.idle) / all : 0;
  };
}

/** In milliseconds, of all cores together. */
function coreTimes(): { idle: number; all: number } {
  let [idle, all] = [0, 0];
  for (const { times } of cpus()) {
    idle += times.idle;
    all += Object.values(times).reduce((sum, each) => sum + each, 0);
  }
  return { idle, all };
}
