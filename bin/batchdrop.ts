#!/usr/bin/env node
import './node-version.cjs';
import { openaiCommand } from './commands/local/openai.ts';
import { upCommand } from './commands/local/up.ts';
import { stackCommands } from './commands/stack-commands.ts';
import { runProgram } from './program.ts';

await runProgram({ ...stackCommands(), 'On one machine': [upCommand(), openaiCommand()] });
