/** What the CDK CLI reads of an app: `cdk.json`, `cdk.context.json`, and `~/.cdk.json`. */
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Failure } from '../terminal/failure.ts';

/** How to run an app of the CDK. */
export interface CdkSettings {
  /** A command for the shell, or the folder of a cloud assembly. */
  readonly app: string;
  /** A command for the shell that runs before. */
  readonly build?: string | undefined;
  readonly context: Readonly<Record<string, unknown>>;
}

export const CDK_JSON = 'cdk.json';

/**
 * Reads the settings of the app in a folder. As for the CDK CLI, values of `given` come first, then those of cdk.json, of
 * cdk.context.json, and of the user's own file. Throws a Failure if nothing names an app, or a file is not JSON.
 */
export function cdkSettings(
  folder: string,
  given: {
    readonly app?: string | undefined;
    readonly context?: Readonly<Record<string, unknown>> | undefined;
  },
): CdkSettings {
  const user = objectIn(join(homedir(), '.cdk.json'));
  const project = objectIn(join(folder, CDK_JSON));
  const app = given.app ?? commandIn(project.app) ?? commandIn(user.app);
  if (app === undefined) {
    throw new Failure(
      `There is no CDK app: ${join(folder, CDK_JSON)} has no "app". Name its command with --app, such as --app "npx tsx bin/app.ts".`,
    );
  }
  return {
    app,
    build: commandIn(project.build) ?? commandIn(user.build),
    context: {
      ...Object(user.context),
      ...objectIn(join(folder, 'cdk.context.json')),
      ...Object(project.context),
      ...given.context,
    },
  };
}

function commandIn(value: unknown): string | undefined {
  if (Array.isArray(value)) return value.join(' ');
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function objectIn(file: string): Readonly<Record<string, unknown>> {
  if (!existsSync(file)) return {};
  try {
    return Object(JSON.parse(readFileSync(file, 'utf8')));
  } catch (cause) {
    throw new Failure(`${file} is not JSON: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}
