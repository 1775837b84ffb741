/**
 * Writes the package to `dist/package`. It contains compiled JavaScript (`compile-package.ts`), declarations, the bundles of the
 * functions, the schemas of the events, and the bundled `batchdrop` command for deployed stacks with the console's page, so that
 * an app installs nothing else. It contains neither the project's tools nor the local runtime.
 */
import { execFile } from 'node:child_process';
import { copyFile, cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { SCHEMA_FILES } from '../../functions/shared/contract/schema-files.ts';
import { BUNDLES_DIRECTORY } from '../stages/function-bundles.ts';
import { bundleFunctions } from './bundle.ts';
import { compilePackage, type PackageEntries } from './compile-package.ts';
import { embedConsole } from './embed-console.ts';
import { embedScanner } from './embed-scanner.ts';
import { ES_MODULES } from './es-modules.ts';
import { requiredHttp } from './required-http.ts';

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));
const PACKAGE = join(PROJECT, 'dist', 'package');
const COMMAND = 'bin/batchdrop.mjs';
const SCHEMAS = 'events';
const run = promisify(execFile);

/**
 * The lowest versions that the construct works with, found by trying: below, `aws-scheduler` lacks `Schedule`. `npm run
 * test:package` tries these and the newest.
 */
export const LOWEST_PEERS = { 'aws-cdk-lib': '2.186.0', constructs: '10.0.0' };

/** Builds the package and returns its folder. Errors: an Error with the output of the compiler. */
export async function buildPackage(): Promise<string> {
  await rm(PACKAGE, { recursive: true, force: true });
  const entries = await compilePackage(PACKAGE);
  await bundleFunctions();
  await cp(BUNDLES_DIRECTORY, join(PACKAGE, 'dist', 'functions'), { recursive: true });
  await bundleCommand(dirname(join(PACKAGE, COMMAND)));
  await writeSchemas();
  for (const file of ['README.md', 'LICENSE', 'CHANGELOG.md']) {
    await copyFile(join(PROJECT, file), join(PACKAGE, file));
  }
  // The descriptions of the alarms refer to these pages.
  await cp(join(PROJECT, 'docs'), join(PACKAGE, 'docs'), {
    recursive: true,
    filter: (path) => !path.endsWith('.ts'),
  });
  await writeFile(join(PACKAGE, 'package.json'), `${JSON.stringify(await manifest(entries), null, 2)}\n`);
  return PACKAGE;
}

/**
 * Writes `batchdrop.mjs` and the files that it loads. They are for the oldest Node version that the package supports, and not
 * minified, because error messages may show a line of them.
 */
export async function bundleCommand(outdir: string): Promise<void> {
  await build({
    ...ES_MODULES,
    entryPoints: { batchdrop: join(PROJECT, 'bin', 'packaged.ts') },
    outdir,
    outExtension: { '.js': '.mjs' },
    target: 'node20',
    inject: [join(PROJECT, 'lib', 'bundling', 'older-node.ts')],
    plugins: [requiredHttp, embedScanner, embedConsole],
  });
}

/** The schemas are for users of other languages. */
async function writeSchemas(): Promise<void> {
  await mkdir(join(PACKAGE, SCHEMAS));
  for (const [name, schema] of Object.entries(SCHEMA_FILES)) {
    await writeFile(join(PACKAGE, SCHEMAS, name), `${JSON.stringify(schema, null, 2)}\n`);
  }
}

/**
 * Derives package.json from the project's, which is private: `npm publish` in the wrong folder then publishes nothing. The CDK is
 * a peer dependency, because an app must have it only once.
 */
async function manifest(entries: PackageEntries): Promise<object> {
  const { name, version, description, license, repository, keywords, engines } = JSON.parse(
    await readFile(join(PROJECT, 'package.json'), 'utf8'),
  );
  const { '.': construct, ...others } = entries;
  const project = repository.url.replace(/^git\+|\.git$/g, '');
  return {
    name,
    version,
    description,
    license,
    repository,
    homepage: `${project}#readme`,
    bugs: `${project}/issues`,
    keywords,
    type: 'commonjs',
    engines,
    sideEffects: false,
    bin: { [name]: COMMAND },
    exports: {
      ...entries,
      [`./${SCHEMAS}/*.json`]: `./${SCHEMAS}/*.json`,
      './package.json': './package.json',
    },
    // The next three are for compilers that do not read `exports`: TypeScript with `moduleResolution: node10`.
    main: construct?.require.default,
    types: construct?.require.types,
    typesVersions: { '*': typesByName(others) },
    peerDependencies: Object.fromEntries(
      Object.entries(LOWEST_PEERS).map(([peer, lowest]) => [peer, `^${lowest}`]),
    ),
  };
}

function typesByName(entries: PackageEntries): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(entries).map(([path, { require }]) => [path.replace('./', ''), [require.types]]),
  );
}

if (import.meta.main) {
  try {
    const { stdout } = await run('npm', [
      'pack',
      await buildPackage(),
      '--pack-destination',
      join(PROJECT, 'dist'),
    ]);
    console.log(`dist/${stdout.trim().split('\n').at(-1)}`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
