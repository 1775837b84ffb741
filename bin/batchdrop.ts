#!/usr/bin/env node
import './node-version.cjs';

// Imported here and not at the top, so that their compiled code is cached.
const [{ stackCommands }, { openaiCommand }, { upCommand }, { runProgram }] = await Promise.all([
  import('./commands/stack-commands.ts'),
  import('./commands/local/openai.ts'),
  import('./commands/local/up.ts'),
  import('./program.ts'),
]);
const ownStack = async () => (await import('./up/synthesis.ts')).ownStack;
const local = [upCommand(ownStack), openaiCommand()];
const isLocal = local.some((command) => command.name() === process.argv[2]);
const others = isLocal ? {} : await stackCommands(process.argv[2]);
await runProgram({ ...others, 'On one machine': local });
