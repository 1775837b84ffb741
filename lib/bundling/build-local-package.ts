/**
 * Writes the package with the local runtime to `dist/package-local`: `@batchdrop/local`, of the version of the construct's package. The
 * construct stays free of it: whoever deploys needs no engines of AWS's services. It contains the bundled commands, and depends on
 * dynalite, which has native code, and on the SDK, which Lambda provides to functions.
 */
import { execFile } from 'node:child_process';
import { chmod, copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type BuildOptions, build } from 'esbuild';
import { embedConsole } from './embed-console.ts';
import { embedScanner } from './embed-scanner.ts';
import { ES_MODULES } from './es-modules.ts';

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));
const PACKAGE = join(PROJECT, 'dist', 'package-local');
const LAUNCHER = 'bin/batchdrop-local.cjs';
const OUTPUT = join(PACKAGE, 'dist', 'bin');
/** What stays a dependency: native code, and the SDK of the services that run locally. */
const DEPENDENCY =
  /^(dynalite|@aws-sdk\/client-(cloudformation|dynamodb|eventbridge|s3|scheduler|secrets-manager|sqs))$/;
const run = promisify(execFile);

const SHARED: BuildOptions = {
  ...ES_MODULES,
  outdir: OUTPUT,
  target: 'node24',
  external: ['dynalite', 'dynalite/*'],
  define: { 'import.meta.main': 'false' }, // a module that can also be run by itself
  plugins: [embedScanner, embedConsole],
};

/** Builds the package and returns its folder. Errors: an Error with the messages of the bundler. */
export async function buildLocalPackage(): Promise<string> {
  await rm(PACKAGE, { recursive: true, force: true });
  await build({ ...SHARED, entryPoints: { batchdrop: join(PROJECT, 'bin/packaged-local.ts') } });
  // In one file, because every process of a function starts with it.
  await build({
    ...SHARED,
    entryPoints: { 'process-entry': join(PROJECT, 'local/lambda/process-entry.ts') },
    splitting: false,
  });
  await mkdir(join(PACKAGE, 'bin'));
  await copyFile(join(PROJECT, LAUNCHER), join(PACKAGE, LAUNCHER));
  await chmod(join(PACKAGE, LAUNCHER), 0o755);
  await copyFile(join(PROJECT, 'docs', 'own-app.md'), join(PACKAGE, 'README.md'));
  await copyFile(join(PROJECT, 'LICENSE'), join(PACKAGE, 'LICENSE'));
  await writeFile(join(PACKAGE, 'package.json'), `${JSON.stringify(await manifest(), null, 2)}\n`);
  return PACKAGE;
}

/** Derives package.json from the project's. */
async function manifest(): Promise<object> {
  const { name, version, license, repository, engines, dependencies, devDependencies } = JSON.parse(
    await readFile(join(PROJECT, 'package.json'), 'utf8'),
  );
  const kept = Object.entries(dependencies).filter(([dependency]) => DEPENDENCY.test(dependency));
  return {
    name: `@${name}/local`, // the owner of the name has the scope as well: docs/releasing.md
    version,
    description:
      'Runs CDK apps with the Batchdrop construct on one machine: local engines of AWS, and a Batch API server.',
    license,
    repository,
    type: 'module',
    engines,
    bin: { [`${name}-local`]: LAUNCHER },
    config: { node: devDependencies.node },
    dependencies: Object.fromEntries(kept),
  };
}

if (import.meta.main) {
  try {
    const options = ['--pack-destination', join(PROJECT, 'dist')];
    const { stdout } = await run('npm', ['pack', await buildLocalPackage(), ...options]);
    console.log(`dist/${stdout.trim().split('\n').at(-1)}`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
