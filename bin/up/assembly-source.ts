/** What `up` runs: the CDK app of a user, or this project's own stack. */
import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DataDirectory } from '../../local/runtime/data-directory.ts';
import { readAssembly } from '../../local/runtime/template/assembly.ts';
import { parseTemplate } from '../../local/runtime/template/parse-template.ts';
import { UnsupportedApp } from '../../local/runtime/template/refusals.ts';
import type { AppPlan } from '../../local/runtime/template/stack-plan.ts';
import { Failure } from '../terminal/failure.ts';
import { synthesizedApp } from './cdk-app.ts';
import { CDK_JSON, cdkSettings } from './cdk-settings.ts';
import { leftOutLines } from './left-out-lines.ts';
import type { StackContext } from './stack-context.ts';

/** The stack of this project, which a checkout has and the package has not. */
export interface OwnStack {
  /** The folder of the project. */
  readonly project: string;
  /** Returns the folder of the assembly. `onBuild` is called if it must be built. */
  readonly assemble: (options: { onBuild: () => void; context: StackContext }) => Promise<string>;
}

/** The options that choose an app. */
export interface AppChoice {
  readonly app?: string;
  readonly only?: readonly string[];
  readonly context?: StackContext;
}

/** Names for the URL of an endpoint that does not run yet. */
const NO_ENDPOINT = 'http://127.0.0.1:0';

/**
 * Returns the stack of the project, unless an app is named or the current folder has one. The package has no stack of its own.
 */
export function ownStackUnless({ app, only }: AppChoice, own: OwnStack | undefined): OwnStack | undefined {
  if (own === undefined || app !== undefined || only !== undefined) return undefined;
  const here = join(process.cwd(), CDK_JSON);
  if (!existsSync(here)) return own;
  return realpathSync(here) === realpathSync(join(own.project, CDK_JSON)) ? own : undefined;
}

/**
 * Synthesizes the app, and checks that all of it runs on one machine. Returns the folder of its assembly. Throws a Failure. `print` gets
 * what is left out.
 */
export async function assembledApp(
  choice: AppChoice,
  { data, print, stopped }: { data: DataDirectory; print: (line: string) => void; stopped: AbortSignal },
): Promise<string> {
  const settings = cdkSettings(process.cwd(), choice);
  print(`CDK app: ${settings.app}`);
  const outdir = join(data.path, 'app');
  const assembly = await synthesizedApp(settings, { outdir, stopped });
  if (stopped.aborted) return assembly;
  for (const line of leftOutLines(checkedPlan(assembly, choice))) print(line);
  return assembly;
}

function checkedPlan(assembly: string, { only }: AppChoice): AppPlan {
  try {
    return parseTemplate(readAssembly(assembly, { only }), NO_ENDPOINT);
  } catch (cause) {
    if (!(cause instanceof UnsupportedApp)) throw cause;
    throw new Failure('The local runtime does not support all of the app. Nothing was started.', {
      cause,
      lines: cause.lines,
    });
  }
}

/** Where the functions of the app find the AWS SDK: among the app's modules, or else among those of the runtime. */
export function sdkPlaces(): string[] {
  return [process.cwd(), dirname(fileURLToPath(import.meta.url))];
}
