#!/usr/bin/env node
/** The command in the package, for deployed stacks. The local runtime is in a package of its own. */
import { localPackageCommand } from './commands/local/local-package.ts';
import { runCommand } from './run-command.ts';

void runCommand([
  localPackageCommand('up', 'Run a CDK app on this machine'),
  localPackageCommand('openai', 'Run the Batch API server alone'),
]);
