import { readdirSync, readFileSync } from 'node:fs';

const TICKS_PER_SECOND = 100; // Linux counts CPU time in hundredths
const DOLLARS_PER_GB_SECOND = 0.0000133334; // Lambda on ARM in us-east-1, as in docs/cost-arithmetic.ts
const MB_PER_CPU = 1769; // the memory at which Lambda gives one processor; the price per CPU second is the same at any memory size

/** The cost of a CPU second of a function in Lambda, in dollars. */
export const DOLLARS_PER_CPU_SECOND = (MB_PER_CPU / 1024) * DOLLARS_PER_GB_SECOND;

/**
 * Adds up the CPU time of a runtime's functions. Linux only, because it reads /proc. Call `sample` often, because a
 * process may end.
 */
export class FunctionCpu {
  readonly #runtimePid: number;
  /** By process. */
  readonly #seen = new Map<string, { name: string; seconds: number }>();

  constructor(runtimePid: number) {
    this.#runtimePid = runtimePid;
  }

  sample(): void {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      const process = functionIn(pid);
      if (process?.parent === this.#runtimePid) this.#seen.set(pid, process);
    }
  }

  /** Returns the CPU seconds since the functions started, by function. */
  seconds(): Map<string, number> {
    const sums = new Map<string, number>();
    for (const { name, seconds } of this.#seen.values()) sums.set(name, (sums.get(name) ?? 0) + seconds);
    return sums;
  }
}

function functionIn(pid: string): { name: string; parent: number; seconds: number } | undefined {
  try {
    const environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
    const name = /AWS_LAMBDA_FUNCTION_NAME=([^\0]+)/.exec(environment)?.[1];
    if (name === undefined) return undefined;
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' '); // from the third field on
    const ticks = Number(fields[11]) + Number(fields[12]); // utime and stime
    return { name, parent: Number(fields[1]), seconds: ticks / TICKS_PER_SECOND };
  } catch {
    return undefined; // the process has ended meanwhile
  }
}
