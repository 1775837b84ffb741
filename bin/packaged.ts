#!/usr/bin/env node
/** The command as the package has it: for what is deployed. What runs on one machine needs the project. */
import { stackCommands } from './commands/stack-commands.ts';
import { runProgram } from './program.ts';

void runProgram(stackCommands());
