import type { Command } from 'commander';
import { stackCommands } from './commands/stack-commands.ts';
import { runProgram } from './program.ts';

/** Runs the command that the arguments of this process name. `local`: those of this machine, with which no other is loaded. */
export async function runCommand(local: readonly Command[]): Promise<void> {
  const [, , name] = process.argv;
  const isLocal = local.some((command) => command.name() === name);
  await runProgram({ ...(isLocal ? {} : await stackCommands(name)), 'On one machine': local });
}
