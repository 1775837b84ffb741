import type { CommandGroups } from '../program.ts';
import { costsCommand } from './data/costs.ts';
import { resultsCommand } from './data/results.ts';
import { approveCommand } from './jobs/approve.ts';
import { cancelCommand } from './jobs/cancel.ts';
import { listCommand } from './jobs/list.ts';
import { submitCommand } from './jobs/submit.ts';
import { watchCommand } from './jobs/watch.ts';
import { consoleCommand } from './operate/console.ts';
import { doctorCommand } from './operate/doctor.ts';
import { pauseCommand } from './operate/pause.ts';
import { redriveCommand } from './operate/redrive.ts';
import { releaseCommand } from './operate/release.ts';
import { resumeCommand } from './operate/resume.ts';
import { webhookCommand } from './operate/webhook.ts';

/** The commands that work for deployed stacks and for the local runtime. */
export function stackCommands(): CommandGroups {
  return {
    Jobs: [submitCommand(), listCommand(), watchCommand(), approveCommand(), cancelCommand()],
    Data: [resultsCommand(), costsCommand()],
    Operate: [
      consoleCommand(),
      doctorCommand(),
      pauseCommand(),
      resumeCommand(),
      redriveCommand(),
      releaseCommand(),
      webhookCommand(),
    ],
  };
}
