import { STOP_SIGNALS } from '../../terminal/stop-signal.ts';
import type { Output } from './output.ts';

/**
 * Opens an output and works with it. Fails the output if a signal ends the process before `work` is done, or if `work`
 * fails. The process then ends by that signal, as a shell expects. A second signal ends it at once, even if the reader
 * of a pipe does not read. Signals are handled before `open` begins, because it may leave a file behind.
 */
export async function withOutput<T>(
  open: () => Promise<Output>,
  work: (output: Output) => Promise<T>,
): Promise<T> {
  let opening: Promise<Output> | undefined;
  const fail = async () => (await opening?.catch(() => undefined))?.fail();
  const stop = async (signal: NodeJS.Signals) => {
    for (const each of STOP_SIGNALS) process.removeListener(each, stop);
    await fail();
    process.kill(process.pid, signal);
  };
  for (const signal of STOP_SIGNALS) process.once(signal, stop);
  try {
    opening = open();
    return await work(await opening);
  } finally {
    await fail();
    for (const signal of STOP_SIGNALS) process.removeListener(signal, stop);
  }
}
