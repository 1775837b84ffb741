/** The commands of the package with the local runtime: those of this machine, and those for any Batchdrop. */
import { openaiCommand } from './commands/local/openai.ts';
import { upCommand } from './commands/local/up.ts';
import { stackCommands } from './commands/stack-commands.ts';
import { runProgram } from './program.ts';

void stackCommands(process.argv[2]).then((commands) =>
  runProgram({ ...commands, 'On one machine': [upCommand(), openaiCommand()] }),
);
