import { createInterface, type Interface } from 'node:readline/promises';

const CLEAR_LINE = '\r\u001b[K';
const TYPED_EARLIER_MS = 100; // long enough for what the terminal holds, too short for a person

let asking: Interface | undefined;

/** Prints a line on stdout, above a question that stands. */
export function say(line: string): void {
  if (asking === undefined) {
    console.log(line);
    return;
  }
  process.stdout.write(`${CLEAR_LINE}${line}\n`);
  asking.prompt(true);
}

/** Asks on the terminal; only y or yes is a yes, an end of the input or an abort is a no. */
export async function askOnTerminal(question: string, signal: AbortSignal): Promise<boolean> {
  await dropWhatWasTyped();
  const [prompt = '', ...above] = question.split('\n').reverse();
  for (const line of above.reverse()) console.log(line);
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  asking = terminal;
  // While it asks, Ctrl-C is a key to the terminal and no signal.
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

/** A y that was typed before the question is no answer to it. */
async function dropWhatWasTyped(): Promise<void> {
  const { stdin } = process;
  const drop = () => {};
  stdin.setRawMode?.(true);
  stdin.on('data', drop);
  await new Promise((resolve) => setTimeout(resolve, TYPED_EARLIER_MS));
  stdin.off('data', drop);
  stdin.pause();
  stdin.setRawMode?.(false);
}
