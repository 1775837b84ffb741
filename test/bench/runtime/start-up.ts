/**
 * Measures how long `npm start` takes until it is up, and the idle memory of each of its processes: `npm run
 * bench:start`. Linux only, because it reads /proc. The median of five starts is copied to docs/performance.md by hand.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';

const [COMMAND = 'npm', ...ARGUMENTS] = 'npm start --silent -- --ephemeral --port 0'.split(' ');
const STARTS = 5;
// The example is cleaned up half an hour of local time after its end, and a function ends after thirty idle seconds.
const IDLE_MS = 90_000;

const seconds: number[] = [];
for (let start = 1; start <= STARTS; start += 1) {
  const begun = performance.now();
  const runtime = spawn(COMMAND, ARGUMENTS, {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  await untilUp(runtime);
  seconds.push((performance.now() - begun) / 1000);
  if (start === STARTS) {
    await pause(IDLE_MS);
    showMemory(runtime.pid ?? 0);
  }
  process.kill(-(runtime.pid ?? 0), 'SIGINT');
  await once(runtime, 'exit');
}
const median = seconds.sort((a, b) => a - b)[Math.floor(STARTS / 2)] ?? 0;
console.log(
  `node ${process.version}, ${availableParallelism()} cores; up after ${median.toFixed(1)} s, median of ${STARTS}`,
);

async function untilUp({ stdout }: ChildProcess): Promise<void> {
  for await (const chunk of stdout?.iterator({ destroyOnReturn: false }) ?? [])
    if (String(chunk).includes('is up')) break;
  stdout?.resume();
}

/** Prints the resident memory of a process and of all processes that it started. */
function showMemory(root: number): void {
  const processes = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => statusOf(pid));
  const ours = new Set([root]);
  for (const { pid, parent } of processes.sort((a, b) => a.pid - b.pid)) if (ours.has(parent)) ours.add(pid);
  let sum = 0;
  for (const { pid, name, megabytes } of processes.filter((one) => ours.has(one.pid))) {
    console.log(`${String(pid).padStart(8)} ${name.padEnd(45)} ${megabytes} MB`);
    sum += megabytes;
  }
  console.log(`${' '.repeat(9)}${'all'.padEnd(45)} ${sum} MB`);
}

function statusOf(pid: string): { pid: number; parent: number; name: string; megabytes: number }[] {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
    const number = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);
    const name =
      /AWS_LAMBDA_FUNCTION_NAME=([^\0]+)/.exec(environment)?.[1] ?? /^Name:\s+(.+)/m.exec(status)?.[1];
    return [
      {
        pid: Number(pid),
        parent: number('PPid'),
        name: name ?? '',
        megabytes: Math.round(number('VmRSS') / 1024),
      },
    ];
  } catch {
    return []; // the process has ended meanwhile
  }
}
