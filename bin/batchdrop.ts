#!/usr/bin/env node
import './node-version.cjs';
import { commandsAnywhere } from './commands/anywhere.ts';
import { openaiCommand } from './commands/openai.ts';
import { upCommand } from './commands/up.ts';
import { runProgram } from './program.ts';

await runProgram([upCommand(), ...commandsAnywhere(), openaiCommand()]);
