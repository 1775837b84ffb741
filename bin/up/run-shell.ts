import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const KEPT_LINES = 200;
const MAX_LINE = 2_000; // characters
const GRACE_MS = 3_000; // for an app that ends by itself

/** How a command ended. */
interface Ended {
  readonly command: string;
  /** Such as `exit code 1` or `SIGTERM`. Undefined for exit code 0. */
  readonly failure: string | undefined;
  /** Its last lines, of stdout and stderr together. */
  readonly output: readonly string[];
}

/**
 * Runs a command line in the shell, as the CDK CLI does. `stopped` ends it with all processes that it started. It has its own process
 * group, so that Ctrl-C in a terminal reaches only this process, which then ends it.
 */
export async function runShell(
  command: string,
  { env, stopped }: { readonly env: NodeJS.ProcessEnv; readonly stopped: AbortSignal },
): Promise<Ended> {
  const child = spawn(command, { shell: true, stdio: ['ignore', 'pipe', 'pipe'], detached: true, env });
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      output.push(line.slice(0, MAX_LINE));
      if (output.length > KEPT_LINES) output.shift();
    });
  }
  const stop = () => endGroup(child);
  stopped.addEventListener('abort', stop);
  if (stopped.aborted) stop();
  try {
    return await new Promise((resolve, reject) => {
      child.once('error', reject);
      // What it left running may keep the streams open.
      child.once('exit', (code, signal) => {
        const end = () => resolve({ command, failure: failureOf(code, signal), output });
        const waiting = setTimeout(end, GRACE_MS);
        child.once('close', () => {
          clearTimeout(waiting);
          end();
        });
      });
    });
  } finally {
    stopped.removeEventListener('abort', stop);
  }
}

function failureOf(code: number | null, signal: string | null): string | undefined {
  if (signal !== null) return signal;
  return code === 0 ? undefined : `exit code ${code}`;
}

function endGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  signalGroup(pid, 'SIGTERM');
  setTimeout(() => signalGroup(pid, 'SIGKILL'), GRACE_MS).unref();
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {} // it has ended
}
