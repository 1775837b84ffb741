import { createInterface, type Interface } from 'node:readline/promises';

const CLEAR_LINE = '\r\u001b[K';
const TYPED_EARLIER_MS = 100; // enough for buffered keys to arrive, too short for a person to react

let asking: Interface | undefined;

/** Prints a line on stdout, above an open question if there is one. */
export function say(line: string): void {
  if (asking === undefined) {
    console.log(line);
    return;
  }
  process.stdout.write(`${CLEAR_LINE}${line}\n`);
  asking.prompt(true);
}

/** Asks on the terminal. Returns true for y or yes, and false for anything else, the end of the input, or an abort. */
export async function askOnTerminal(question: string, signal: AbortSignal): Promise<boolean> {
  await discardTypedKeys();
  const [prompt = '', ...above] = question.split('\n').reverse();
  for (const line of above.reverse()) console.log(line);
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  asking = terminal;
  // While readline reads, Ctrl-C is a key and not a signal.
  terminal.once('SIGINT', () => process.kill(process.pid, 'SIGINT'));
  const closed = new Promise<string>((resolve) => terminal.once('close', () => resolve('')));
  try {
    const answer = await Promise.race([terminal.question(prompt, { signal }), closed]);
    return /^y(es)?$/i.test(answer.trim());
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  } finally {
    asking = undefined;
    terminal.close();
  }
}

/** Discards keys that were typed before the question, because they do not answer it. */
async function discardTypedKeys(): Promise<void> {
  const { stdin } = process;
  const drop = () => {};
  stdin.setRawMode?.(true);
  stdin.on('data', drop);
  await new Promise((resolve) => setTimeout(resolve, TYPED_EARLIER_MS));
  stdin.off('data', drop);
  stdin.pause();
  stdin.setRawMode?.(false);
}
