/** Where a command acts: what spends, cancels or pauses says it, and asks if only the environment names the stack. */
import { escapeControlCharacters } from '../terminal/escape-control-characters.ts';
import { Failure } from '../terminal/failure.ts';
import { askOnTerminal } from '../terminal/prompt.ts';
import type { ActionOptions, Connection } from './connection.ts';
import { accountIn } from './stack-names.ts';
import { STACK_VARIABLE } from './target.ts';

type Place = Pick<Connection, 'target' | 'names'>;

/** Returns ` in the stack Batchdrop of account 123456789012`; nothing for a runtime on this machine. Safe to print. */
export function placeShown({ target, names }: Place): string {
  if (target.kind === 'local') return '';
  return escapeControlCharacters(` in the stack ${target.stack} of account ${accountIn(names)}`);
}

/**
 * Asks on the terminal whether the command may act on the stack, if `BATCHDROP_STACK` alone names it. `what`: the question without
 * the place, such as `Cancel job abc`. Throws a Failure after a no, or if nobody can be asked.
 */
export async function confirmPlace(connection: Place, { yes }: ActionOptions, what: string): Promise<void> {
  const { target } = connection;
  if (target.kind === 'local' || !target.isFromEnvironment || yes) return;
  await confirm(
    `${what}${placeShown(connection)}? (${STACK_VARIABLE} names this stack.)`,
    'name the stack with --stack, or',
  );
}

/** Asks on the terminal. `instead`: what else to do if stdin is not a terminal. Throws a Failure unless the answer is yes. */
export async function confirm(question: string, instead = ''): Promise<void> {
  const shown = escapeControlCharacters(question);
  if (!process.stdin.isTTY)
    throw new Failure(
      `This command asks: ${question} But stdin is not a terminal. To answer yes, ${instead === '' ? '' : `${instead} `}add --yes.`,
    );
  const isYes = await askOnTerminal(`${shown}\n[y/N] `, new AbortController().signal);
  if (!isYes) throw new Failure('Nothing was done.');
}
