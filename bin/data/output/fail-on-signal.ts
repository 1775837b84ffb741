import type { Output } from './output.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Fails the output if a signal ends the process before `work` is done, or if `work` fails. The process then ends by
 * that signal, as a shell expects. A second signal ends it at once, even if the reader of a pipe does not read.
 */
export async function withOutput<T>(output: Output, work: () => Promise<T>): Promise<T> {
  const stop = async (signal: NodeJS.Signals) => {
    for (const each of SIGNALS) process.removeListener(each, stop);
    await output.fail();
    process.kill(process.pid, signal);
  };
  for (const signal of SIGNALS) process.once(signal, stop);
  try {
    return await work();
  } finally {
    await output.fail();
    for (const signal of SIGNALS) process.removeListener(signal, stop);
  }
}
