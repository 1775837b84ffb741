/** The commands of the package with the local runtime: those of this machine, and those for any Batchdrop. */
import { openaiCommand } from './commands/local/openai.ts';
import { upCommand } from './commands/local/up.ts';
import { runCommand } from './run-command.ts';

void runCommand([upCommand(), openaiCommand()]);
