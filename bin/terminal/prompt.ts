import { createInterface, type Interface } from 'node:readline/promises';

const CLEAR_LINE = '\r\u001b[K';
const TYPED_EARLIER_MS = 100; // enough for buffered keys to arrive, too short for a person to react

/** What a person types on. */
export type Typed = NodeJS.ReadableStream & {
  readonly isTTY?: boolean;
  setRawMode?(mode: boolean): unknown;
};

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
  return /^y(es)?$/i.test(await answerOnTerminal(question, signal));
}

/** Asks on the terminal. Returns the answer without spaces at its ends; empty at the end of the input, or after an abort. */
export async function answerOnTerminal(question: string, signal: AbortSignal): Promise<string> {
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
    return answer.trim();
  } catch (error) {
    if (signal.aborted) return '';
    throw error;
  } finally {
    asking = undefined;
    terminal.close();
  }
}

/** Discards keys that were typed before the question, because they do not answer it. */
export async function discardTypedKeys(input: Typed = process.stdin): Promise<void> {
  const drop = () => {};
  input.setRawMode?.(true);
  input.on('data', drop);
  await new Promise((resolve) => setTimeout(resolve, TYPED_EARLIER_MS));
  input.off('data', drop);
  input.pause();
  input.setRawMode?.(false);
}
