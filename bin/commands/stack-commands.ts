import type { Command } from 'commander';
import type { CommandGroups } from '../program.ts';

/** The commands that work for deployed stacks and for the local runtime. Each loads only the AWS clients that it uses. */
const COMMANDS: Readonly<Record<string, Readonly<Record<string, () => Promise<Command>>>>> = {
  Jobs: {
    submit: async () => (await import('./jobs/submit.ts')).submitCommand(),
    list: async () => (await import('./jobs/list.ts')).listCommand(),
    show: async () => (await import('./jobs/show.ts')).showCommand(),
    wait: async () => (await import('./jobs/wait.ts')).waitCommand(),
    watch: async () => (await import('./jobs/watch.ts')).watchCommand(),
    approve: async () => (await import('./jobs/approve.ts')).approveCommand(),
    cancel: async () => (await import('./jobs/cancel.ts')).cancelCommand(),
    retry: async () => (await import('./jobs/retry.ts')).retryCommand(),
    logs: async () => (await import('./jobs/logs.ts')).logsCommand(),
  },
  Data: {
    prepare: async () => (await import('./data/prepare.ts')).prepareCommand(),
    results: async () => (await import('./data/results.ts')).resultsCommand(),
    costs: async () => (await import('./data/costs.ts')).costsCommand(),
  },
  Operate: {
    console: async () => (await import('./operate/console.ts')).consoleCommand(),
    doctor: async () => (await import('./operate/doctor.ts')).doctorCommand(),
    pause: async () => (await import('./operate/pause.ts')).pauseCommand(),
    resume: async () => (await import('./operate/resume.ts')).resumeCommand(),
    redrive: async () => (await import('./operate/redrive.ts')).redriveCommand(),
    release: async () => (await import('./operate/release.ts')).releaseCommand(),
    webhook: async () => (await import('./operate/webhook.ts')).webhookCommand(),
    key: async () => (await import('./operate/key.ts')).keyCommand(),
    purge: async () => (await import('./operate/purge.ts')).purgeCommand(),
    teardown: async () => (await import('./operate/teardown.ts')).teardownCommand(),
  },
};

/** The names of these commands. */
export const STACK_COMMANDS: ReadonlySet<string> = new Set(Object.values(COMMANDS).flatMap(Object.keys));

const PRINTS_VERSION: ReadonlySet<string> = new Set(['-V', '--version']);

/** Loads the named command. If none has this name, loads all, for the help and for suggestions. */
export async function stackCommands(name = ''): Promise<CommandGroups> {
  if (PRINTS_VERSION.has(name)) return {};
  const groups = Object.entries(COMMANDS).map(async ([heading, commands]) => {
    const chosen = STACK_COMMANDS.has(name) ? [commands[name]] : Object.values(commands);
    return [heading, await Promise.all(chosen.flatMap((load) => load?.() ?? []))] as const;
  });
  return Object.fromEntries(await Promise.all(groups));
}
