#!/usr/bin/env node
import './node-version.cjs';

// Imported afterwards, so that their compiled code is kept.
const [{ openaiCommand }, { upCommand }, { stackCommands }, { runProgram }] = await Promise.all([
  import('./commands/local/openai.ts'),
  import('./commands/local/up.ts'),
  import('./commands/stack-commands.ts'),
  import('./program.ts'),
]);
await runProgram({ ...stackCommands(), 'On one machine': [upCommand(), openaiCommand()] });
