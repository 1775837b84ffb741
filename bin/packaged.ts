#!/usr/bin/env node
/** The command in the package, for deployed stacks. The local runtime needs the project. */
import { stackCommands } from './commands/stack-commands.ts';
import { runProgram } from './program.ts';

void runProgram(stackCommands());
