import type { CommandGroups } from '../program.ts';
import { costsCommand } from './data/costs.ts';
import { prepareCommand } from './data/prepare.ts';
import { resultsCommand } from './data/results.ts';
import { approveCommand } from './jobs/approve.ts';
import { cancelCommand } from './jobs/cancel.ts';
import { listCommand } from './jobs/list.ts';
import { logsCommand } from './jobs/logs.ts';
import { retryCommand } from './jobs/retry.ts';
import { showCommand } from './jobs/show.ts';
import { submitCommand } from './jobs/submit.ts';
import { waitCommand } from './jobs/wait.ts';
import { watchCommand } from './jobs/watch.ts';
import { consoleCommand } from './operate/console.ts';
import { doctorCommand } from './operate/doctor.ts';
import { keyCommand } from './operate/key.ts';
import { pauseCommand } from './operate/pause.ts';
import { purgeCommand } from './operate/purge.ts';
import { redriveCommand } from './operate/redrive.ts';
import { releaseCommand } from './operate/release.ts';
import { resumeCommand } from './operate/resume.ts';
import { teardownCommand } from './operate/teardown.ts';
import { webhookCommand } from './operate/webhook.ts';

/** The commands that work for deployed stacks and for the local runtime. */
export function stackCommands(): CommandGroups {
  return {
    Jobs: [
      submitCommand(),
      listCommand(),
      showCommand(),
      waitCommand(),
      watchCommand(),
      approveCommand(),
      cancelCommand(),
      retryCommand(),
      logsCommand(),
    ],
    Data: [prepareCommand(), resultsCommand(), costsCommand()],
    Operate: [
      consoleCommand(),
      doctorCommand(),
      pauseCommand(),
      resumeCommand(),
      redriveCommand(),
      releaseCommand(),
      webhookCommand(),
      keyCommand(),
      purgeCommand(),
      teardownCommand(),
    ],
  };
}
