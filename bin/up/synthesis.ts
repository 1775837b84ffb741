import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { BUNDLES_CONTEXT } from '../../lib/stages/function-bundles.ts';
import { Failure } from '../terminal/failure.ts';

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));
const NODE_VERSION = join(PROJECT, 'bin', 'node-version.cjs');
const APP = join(PROJECT, 'bin', 'app.ts');

/** All files that determine the build. npm's own list of installed packages changes with each installation. */
const INPUTS = [
  'functions',
  'lib',
  'bin/app.ts',
  'cdk.json',
  'package.json',
  'tsconfig.json', // esbuild reads it
  'node_modules/.package-lock.json',
] as const;

const KEPT = join(PROJECT, 'dist', 'assemblies');
const MAX_UNUSED_MS = 7 * 86_400_000;
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
  const assembly = join(KEPT, inputsHash(context));
  if (!existsSync(assembly)) {
    options.onBuild?.();
    await build(assembly, context);
  }
  await renew(assembly);
  setInterval(() => void renew(assembly), RENEW_EVERY_MS).unref(); // functions load from it as long as they run
  await removeUnused();
  return assembly;
}

function inputsHash(context: Record<string, string>): string {
  const hash = createHash('sha256').update(`${process.version}\0${PROJECT}\0${JSON.stringify(context)}\0`);
  for (const file of INPUTS.flatMap((input) => filesOf(join(PROJECT, input)))) {
    const content = readFileSync(file);
    hash.update(`${relative(PROJECT, file)}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex').slice(0, 32);
}

function filesOf(path: string): string[] {
  if (!existsSync(path)) return [];
  if (statSync(path).isFile()) return [path];
  const entries = readdirSync(path, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/**
 * Built in another folder and renamed, so that nobody sees an incomplete one. If several runs build the same, one
 * result is kept.
 */
async function build(assembly: string, context: Record<string, string>): Promise<void> {
  await mkdir(KEPT, { recursive: true });
  const draft = await mkdtemp(join(KEPT, 'draft-'));
  try {
    await bundle(join(draft, BUNDLES));
    await synthesize(draft, context);
    await rename(draft, assembly).catch((cause) => {
      if (!existsSync(assembly)) throw cause;
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** Loaded only here, because most runs build nothing. */
async function bundle(directory: string): Promise<void> {
  const { bundleFunctions } = await import('../../lib/bundling/bundle.ts');
  const { stop } = await import('esbuild');
  await bundleFunctions(undefined, directory);
  await stop(); // otherwise esbuild's process would live as long as this one
}

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

async function renew(assembly: string): Promise<void> {
  const now = new Date();
  await utimes(assembly, now, now).catch(() => {}); // if this fails, it may be built once more
}

/** Removes what no run has used for a week, including unfinished builds of killed runs. */
async function removeUnused(): Promise<void> {
  for (const name of await readdir(KEPT)) {
    const path = join(KEPT, name);
    const used = await stat(path).catch(() => undefined); // another run may have removed it
    if (used !== undefined && Date.now() - used.mtimeMs > MAX_UNUSED_MS)
      await rm(path, { recursive: true, force: true });
  }
}
