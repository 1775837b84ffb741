import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { Failure } from '../../terminal/failure.ts';
import { discardTypedKeys, type Typed } from '../../terminal/prompt.ts';

const MAX_BYTES = 65_536; // of a secret in Secrets Manager

/**
 * Returns a secret text: what a person types after the question, which is not shown, or all of stdin if it is not a terminal.
 * Spaces at its ends are removed. Throws a Failure if it is empty or too long.
 */
export async function readSecretText(
  question: string,
  { input = process.stdin, output = process.stderr }: { input?: Typed; output?: NodeJS.WritableStream } = {},
): Promise<string> {
  const text = (input.isTTY ? await typed(question, input, output) : await piped(input)).trim();
  if (text === '') throw new Failure('Nothing was stored, because no key was given.');
  return text;
}

async function piped(input: Typed): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of input) {
    bytes += piece.length;
    if (bytes > MAX_BYTES) throw new Failure('Nothing was stored, because stdin has more than 64 KB.');
    pieces.push(Buffer.from(piece));
  }
  return Buffer.concat(pieces).toString();
}

/** On stderr, so that the output of the command has no question. Readline shows what is typed on its own output: nowhere. */
async function typed(question: string, input: Typed, output: NodeJS.WritableStream): Promise<string> {
  await discardTypedKeys(input);
  output.write(question);
  const nowhere = new Writable({ write: (_text, _encoding, done) => done() });
  const terminal = createInterface({ input, output: nowhere, terminal: true });
  terminal.once('SIGINT', () => process.kill(process.pid, 'SIGINT')); // while readline reads, Ctrl-C is a key
  const closed = new Promise<string>((resolve) => terminal.once('close', () => resolve('')));
  try {
    return await Promise.race([terminal.question(''), closed]);
  } finally {
    terminal.close();
    output.write('\n');
  }
}
