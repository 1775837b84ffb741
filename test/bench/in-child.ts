import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { peakMemoryMb } from '../../local/lambda/peak-memory.ts';

/** The measurements of a piece of work in its own process. */
export interface Measured {
  ms: number;
  cpuMs: number;
  rssMb: number;
  /** Calls, bytes and similar, as the work counts them. */
  counts: Record<string, number>;
}

/** Called by a child: does the work and reports the result. */
export async function report(work: () => Promise<Record<string, number>>): Promise<void> {
  const begun = performance.now();
  const before = process.cpuUsage();
  const counts = await work();
  const { user, system } = process.cpuUsage(before);
  const ms = performance.now() - begun;
  const rssMb = peakMemoryMb();
  process.stdout.write(JSON.stringify({ ms, cpuMs: (user + system) / 1000, rssMb, counts }));
}

/** Runs `test/bench/<file>` with these arguments. If it fails, throws its output. */
export function inChild(file: string, ...args: string[]): Promise<Measured> {
  return inChildWith([], file, ...args);
}

/** The same with Node options, like those of a deployed function. */
export function inChildWith(nodeOptions: string[], file: string, ...args: string[]): Promise<Measured> {
  return runCommand(process.execPath, [
    ...nodeOptions,
    fileURLToPath(new URL(file, import.meta.url)),
    ...args,
  ]);
}

/** The same for any command that reports like `report`. */
export async function runCommand(command: string, args: string[]): Promise<Measured> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${command} ${args.join(' ')}: ended with ${code}`);
  const measured: Measured = JSON.parse(said);
  return measured;
}
