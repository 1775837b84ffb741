/** Synthesizes the CDK app of a user, as the CDK CLI does. */
import { cpSync, existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { extname, join, resolve } from 'node:path';
import { LOCAL_ACCOUNT, LOCAL_REGION } from '../../local/aws/protocol/aws-service.ts';
import { Failure } from '../terminal/failure.ts';
import type { CdkSettings } from './cdk-settings.ts';
import { runShell } from './run-shell.ts';

/** What the CDK CLI adds to the context. */
const CLI_CONTEXT = {
  'aws:cdk:enable-path-metadata': true, // refusals name the paths of constructs
  'aws:cdk:enable-asset-metadata': true,
  'aws:cdk:disable-version-reporting': true,
  'aws:cdk:bundling-stacks': ['**'],
};

const MANIFEST = 'manifest.json';
const MAX_VARIABLE = 100_000; // bytes; Linux allows 131,072 for a variable with its name

/**
 * Returns the folder of the app's cloud assembly, which is `outdir` or, for an app that is a folder, a copy of it there. Throws a
 * Failure with the output of a command that fails.
 */
export async function synthesizedApp(
  settings: CdkSettings,
  { outdir, stopped }: { readonly outdir: string; readonly stopped: AbortSignal },
): Promise<string> {
  const { app, build, context } = settings;
  if (isDirectory(app)) return copied(app, outdir);
  // It ends the search for the type of a module: `type` in the package of the app is not that of its functions.
  mkdirSync(outdir, { recursive: true });
  writeFileSync(join(outdir, 'package.json'), '{}');
  rmSync(join(outdir, MANIFEST), { force: true }); // of an earlier run; assets stay, which saves bundling them again
  const env = {
    ...process.env,
    ...contextVariables({ ...context, ...CLI_CONTEXT }, outdir),
    CDK_OUTDIR: outdir,
    CDK_DEFAULT_ACCOUNT: LOCAL_ACCOUNT,
    CDK_DEFAULT_REGION: LOCAL_REGION,
    CDK_VALIDATION: 'false', // of the template by the CDK, which takes seconds per stack
  };
  if (build !== undefined) await runOrFail('The build of the CDK app', build, { env: process.env, stopped });
  const output = await runOrFail('The CDK app', commandLine(app), { env, stopped });
  if (!existsSync(join(outdir, MANIFEST)) && !stopped.aborted) {
    throw new Failure(
      `The CDK app wrote no cloud assembly: ${app}. It has to create an App without \`outdir\`, and to end with app.synth().`,
      { lines: shown(output) },
    );
  }
  return outdir;
}

async function runOrFail(
  what: string,
  command: string,
  options: { readonly env: NodeJS.ProcessEnv; readonly stopped: AbortSignal },
): Promise<readonly string[]> {
  const { failure, output } = await runShell(command, options);
  if (failure === undefined || options.stopped.aborted) return output;
  throw new Failure(`${what} failed with ${failure}: ${command}`, { lines: shown(output) });
}

function shown(output: readonly string[]): readonly string[] {
  return output.length === 0 ? ['It printed nothing.'] : output;
}

/** A large context is a file, as for the CDK CLI. */
function contextVariables(context: object, outdir: string): Record<string, string> {
  const json = JSON.stringify(context);
  if (Buffer.byteLength(json) < MAX_VARIABLE) return { CDK_CONTEXT_JSON: json };
  const file = join(outdir, 'context.json');
  writeFileSync(file, json);
  return { CDK_CONTEXT_JSON: '{}', CONTEXT_OVERFLOW_LOCATION_ENV: file };
}

/** As the CDK CLI does: a file without the right to be run that ends in `.js` is run by Node. */
function commandLine(app: string): string {
  if (existsSync(app)) return interpreted(app);
  const trimmed = app.trim();
  const [, quoted, rest = ''] = /^"([^"]*)"(.*)$/s.exec(trimmed) ?? [];
  const [first, others] = quoted === undefined ? firstWord(trimmed) : [quoted, rest.trim()];
  return existsSync(first) ? `${interpreted(first)} ${others}`.trim() : app;
}

function firstWord(text: string): [string, string] {
  const space = text.indexOf(' ');
  return space < 0 ? [text, ''] : [text.slice(0, space), text.slice(space + 1)];
}

function interpreted(file: string): string {
  const isExecutable = (statSync(file).mode & 0o111) !== 0;
  return extname(file) === '.js' && !isExecutable ? `node ${quotedForShell(file)}` : quotedForShell(file);
}

function quotedForShell(part: string): string {
  return /^[A-Za-z0-9_+=:,.@/-]+$/.test(part) ? part : `"${part.replace(/([\\"$`])/g, '\\$1')}"`;
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** A copy, because the code of functions must not lie in a package of the user's. */
function copied(assembly: string, outdir: string): string {
  if (!existsSync(join(assembly, MANIFEST)))
    throw new Failure(`--app ${assembly} is a folder, but not a cloud assembly: it has no ${MANIFEST}.`);
  if (resolve(assembly) === resolve(outdir)) return outdir;
  rmSync(outdir, { recursive: true, force: true });
  cpSync(assembly, outdir, { recursive: true, verbatimSymlinks: true });
  writeFileSync(join(outdir, 'package.json'), '{}');
  return outdir;
}
