#!/usr/bin/env node
import './node-version.cjs';

// Imported afterwards, so that their compiled code is kept. What runs on this machine needs no command of a stack: it
// starts in half the time without them.
const [{ openaiCommand }, { upCommand }, { runProgram }] = await Promise.all([
  import('./commands/local/openai.ts'),
  import('./commands/local/up.ts'),
  import('./program.ts'),
]);
const local = [upCommand(), openaiCommand()];
const isLocal = local.some((command) => command.name() === process.argv[2]);
const others = isLocal ? {} : (await import('./commands/stack-commands.ts')).stackCommands();
await runProgram({ ...others, 'On one machine': local });
