import { spawn } from 'node:child_process';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { keptBuild, renewBuild } from '../../lib/bundling/kept-build.ts';
import { BUNDLES_CONTEXT } from '../../lib/stages/function-bundles.ts';
import { Failure } from '../terminal/failure.ts';
import type { OwnStack } from './assembly-source.ts';

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));
const NODE_VERSION = join(PROJECT, 'bin', 'node-version.cjs');
const APP = join(PROJECT, 'bin', 'app.ts');

/** All files that determine the bundles. npm's own list of installed packages changes with each installation. */
const BUNDLE_INPUTS = [
  'functions',
  'lib',
  'package.json',
  'tsconfig.json', // esbuild reads it
  'node_modules/.package-lock.json',
] as const;

/** All files that determine the stack. */
const INPUTS = [...BUNDLE_INPUTS, 'bin/app.ts', 'cdk.json'] as const;

const KEPT_BUNDLES = join(PROJECT, 'dist', 'bundles');
const KEPT = join(PROJECT, 'dist', 'assemblies');
const RENEW_EVERY_MS = 3_600_000;

/** The folder of the bundles in the synthesized stack's folder, which also has a copy of each as an asset. */
export const BUNDLES = 'bundles';

/**
 * Returns the folder of the synthesized stack and its bundled functions, as a deployment would make them. It is built
 * in a few seconds if an input has changed, and is kept for later runs. Callers must not change it. `onBuild` is called
 * before a build. `context`: as in `cdk deploy -c`. Errors: an Error with the output of the CDK app if that fails.
 */
export async function synthesizedStack(
  options: { onBuild?: () => void; context?: Record<string, string> } = {},
): Promise<string> {
  const { context = {} } = options;
  const assembly = await keptBuild({
    folder: KEPT,
    inputs: INPUTS,
    context: JSON.stringify(context),
    build: async (draft) => {
      options.onBuild?.();
      await cp(await keptBundles(), join(draft, BUNDLES), { recursive: true });
      await synthesize(draft, context);
    },
  });
  setInterval(() => void renewBuild(assembly), RENEW_EVERY_MS).unref(); // functions load from it as long as they run
  return assembly;
}

/** No setting changes the bundles, so a stack with other settings gets copies of them. */
async function keptBundles(): Promise<string> {
  return await keptBuild({ folder: KEPT_BUNDLES, inputs: BUNDLE_INPUTS, build: bundle });
}

/** Loaded only here, because most runs build nothing. */
async function bundle(directory: string): Promise<void> {
  const { bundleFunctions } = await import('../../lib/bundling/bundle.ts');
  const { stop } = await import('esbuild');
  await bundleFunctions(undefined, directory);
  await stop(); // otherwise esbuild's process would live as long as this one
}

/** What `up` runs in a checkout of this project, unless an app is named. */
export const ownStack: OwnStack = {
  project: PROJECT,
  assemble: synthesizedStack,
};

async function synthesize(directory: string, more: Record<string, string>): Promise<void> {
  // In addition to cdk.json. No stack's assets are bundled again.
  const context = { ...more, 'aws:cdk:bundling-stacks': [], [BUNDLES_CONTEXT]: join(directory, BUNDLES) };
  const child = spawn(process.execPath, ['--require', NODE_VERSION, APP], {
    // Without the shell's variables, because its credentials and Region must not appear in the template. Without the
    // CDK's own validation of the template, which takes seconds and belongs to `npm run synth`.
    env: { CDK_OUTDIR: directory, CDK_CONTEXT_JSON: JSON.stringify(context), CDK_VALIDATION: 'false' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
  const [complaint, code] = await Promise.all([text(child.stderr), ended]);
  if (code !== 0) throw new Failure('cdk synth failed:', { lines: complaint.trim().split('\n') });
}
