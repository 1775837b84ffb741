#!/usr/bin/env node
import './node-version.cjs';

// Imported here and not at the top, so that their compiled code is cached.
const [{ openaiCommand }, { upCommand }, { runCommand }] = await Promise.all([
  import('./commands/local/openai.ts'),
  import('./commands/local/up.ts'),
  import('./run-command.ts'),
]);
const ownStack = async () => (await import('./up/synthesis.ts')).ownStack;
await runCommand([upCommand(ownStack), openaiCommand()]);
