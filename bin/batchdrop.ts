#!/usr/bin/env node
import './node-version.cjs';
import { Command, CommanderError } from 'commander';
import { cancelCommand } from './commands/cancel.ts';
import { doctorCommand } from './commands/doctor.ts';
import { listCommand } from './commands/list.ts';
import { openaiCommand } from './commands/openai.ts';
import { pauseCommand } from './commands/pause.ts';
import { redriveCommand } from './commands/redrive.ts';
import { resultsCommand } from './commands/results.ts';
import { resumeCommand } from './commands/resume.ts';
import { submitCommand } from './commands/submit.ts';
import { upCommand } from './commands/up.ts';
import { watchCommand } from './commands/watch.ts';
import { sentenceOf } from './failure.ts';

const USAGE_ERROR = 2;

const program = new Command('batchdrop')
  .description('Drop a .jsonl file into a bucket; it runs through the OpenAI Batch API.')
  .addHelpText(
    'after',
    '\nExit codes: 0 done; 1 it failed, or a job did not end as completed; 2 the command was not given right.',
  )
  .configureHelp({ showGlobalOptions: true })
  .exitOverride();
const commands = [
  upCommand,
  submitCommand,
  listCommand,
  watchCommand,
  cancelCommand,
  resultsCommand,
  pauseCommand,
  resumeCommand,
  doctorCommand,
  redriveCommand,
  openaiCommand,
];
for (const command of commands) {
  program.addCommand(command().exitOverride());
}

// Whoever read along may have gone (`| head`, a closed terminal): a runtime stops properly all the same.
for (const output of [process.stdout, process.stderr]) output.on('error', () => {});

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : USAGE_ERROR; // help and --version end this way, too
  } else {
    console.error(sentenceOf(error));
    process.exitCode = 1;
  }
}
