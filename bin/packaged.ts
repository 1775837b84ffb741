#!/usr/bin/env node
/** The command in the package, for deployed stacks. The local runtime is in a package of its own. */
import { localPackageCommand } from './commands/local/local-package.ts';
import { stackCommands } from './commands/stack-commands.ts';
import { runProgram } from './program.ts';

void stackCommands(process.argv[2]).then((commands) =>
  runProgram({
    ...commands,
    'On one machine': [
      localPackageCommand('up', 'Run a CDK app on this machine'),
      localPackageCommand('openai', 'Run the Batch API server alone'),
    ],
  }),
);
