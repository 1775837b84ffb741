import type { Command } from 'commander';
import { resultsCommand } from './data/results.ts';
import { cancelCommand } from './jobs/cancel.ts';
import { listCommand } from './jobs/list.ts';
import { submitCommand } from './jobs/submit.ts';
import { watchCommand } from './jobs/watch.ts';
import { doctorCommand } from './operate/doctor.ts';
import { pauseCommand } from './operate/pause.ts';
import { redriveCommand } from './operate/redrive.ts';
import { resumeCommand } from './operate/resume.ts';

/** The commands for a Batchdrop wherever it is. */
export function stackCommands(): Command[] {
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
