import { cpus } from 'node:os';

const RECENT_MS = 30;

/**
 * Begins to watch the cores of the machine. Returns a function that says which share of the time since then they were
 * busy, from 0 to 1.
 */
export function watchCores(): () => number {
  const before = recentCoreTimes();
  return () => {
    const now = coreTimes();
    const all = now.all - before.all;
    return all > 0 ? 1 - (now.idle - before.idle) / all : 0;
  };
}

interface CoreTimes {
  readonly idle: number;
  readonly all: number;
}

let recent: { readonly at: number; readonly times: CoreTimes } | undefined;

/** Returns the times of at most RECENT_MS ago. Reading them takes 60 µs, and a burst of invocations begins to watch often. */
function recentCoreTimes(): CoreTimes {
  const at = performance.now();
  if (recent === undefined || at - recent.at > RECENT_MS) recent = { at, times: coreTimes() };
  return recent.times;
}

/** In milliseconds, of all cores together. */
function coreTimes(): CoreTimes {
  let [idle, all] = [0, 0];
  for (const { times } of cpus()) {
    idle += times.idle;
    all += Object.values(times).reduce((sum, each) => sum + each, 0);
  }
  return { idle, all };
}
