import type { Command } from 'commander';
import { cancelCommand } from './cancel.ts';
import { doctorCommand } from './doctor.ts';
import { listCommand } from './list.ts';
import { pauseCommand } from './pause.ts';
import { redriveCommand } from './redrive.ts';
import { resultsCommand } from './results.ts';
import { resumeCommand } from './resume.ts';
import { submitCommand } from './submit.ts';
import { watchCommand } from './watch.ts';

/** The commands for a Batchdrop wherever it is. */
export function commandsAnywhere(): Command[] {
  return [
    submitCommand(),
    listCommand(),
    watchCommand(),
    cancelCommand(),
    resultsCommand(),
    pauseCommand(),
    resumeCommand(),
    doctorCommand(),
    redriveCommand(),
  ];
}
