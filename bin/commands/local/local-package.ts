import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Command } from 'commander';
import { Failure } from '../../terminal/failure.ts';

/** The package with the local runtime. Its version is that of this package. */
const LOCAL_PACKAGE = '@batchdrop/local';
const LAUNCHER = `${LOCAL_PACKAGE}/bin/batchdrop-local.cjs`;

/** A command of the local runtime. It hands all arguments to the package of the runtime, if that is installed. */
export function localPackageCommand(name: string, summary: string): Command {
  return new Command(name)
    .summary(summary)
    .description(
      `${summary}. It needs the package ${LOCAL_PACKAGE}: npm install --save-dev ${LOCAL_PACKAGE}. Its options: npx ${LOCAL_PACKAGE} ${name} --help`,
    )
    .argument('[options...]')
    .allowUnknownOption()
    .action(() => {
      const [load, launcher] = installedLauncher();
      load(launcher); // it reads the arguments of this process
    });
}

/** Returns what loads the launcher, and its path. The package may be installed for the app, or beside this one. */
function installedLauncher(): [load: NodeJS.Require, launcher: string] {
  for (const from of [join(process.cwd(), 'from-here.js'), process.argv[1] ?? '']) {
    const load = createRequire(from);
    try {
      return [load, load.resolve(LAUNCHER)];
    } catch {} // the next place may have it
  }
  throw new Failure(
    `This command runs Batchdrop on this machine, which is the package ${LOCAL_PACKAGE}. Install it: npm install --save-dev ${LOCAL_PACKAGE}`,
  );
}
