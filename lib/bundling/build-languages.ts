/**
 * Writes the packages for Python, Java, .NET, and Go to `dist/languages`: `npm run package:languages`. jsii compiles the source and
 * describes its public types in `.jsii`. jsii-pacmak generates classes for each language from the description. The generated
 * packages contain the npm package: an app in any language runs the construct in a Node process.
 */
import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { buildPackage } from './build-package.ts';
import { bundleEntry } from './compile-package.ts';
import { COMPILED, copyForJsii, jsiiFields } from './jsii-source.ts';

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));
const SOURCE = join(PROJECT, 'dist', 'jsii');
const MODULE = join(SOURCE, 'module');
const LANGUAGES = join(PROJECT, 'dist', 'languages');
const JSII = fileURLToPath(import.meta.resolve('jsii/bin/jsii'));
const PACMAK = fileURLToPath(import.meta.resolve('jsii-pacmak/bin/jsii-pacmak'));
const run = promisify(execFile);

/** Builds the packages. Returns their folder. Errors: an Error with the output of jsii or of jsii-pacmak. */
export async function buildLanguages(): Promise<string> {
  const directory = await buildPackage();
  for (const folder of [SOURCE, LANGUAGES]) await rm(folder, { recursive: true, force: true });
  await mkdir(SOURCE, { recursive: true });
  await copyForJsii(SOURCE);
  await tool(JSII, ['--tsconfig', 'tsconfig.json', '--validate-tsconfig', 'minimal'], SOURCE);
  await makeModule(directory);
  await tool(PACMAK, ['--code-only', '--outdir', LANGUAGES, MODULE], PROJECT);
  return LANGUAGES;
}

/** Makes a jsii module of the built package: with the description, and with the construct as jsii compiled it. */
async function makeModule(directory: string): Promise<void> {
  await cp(directory, MODULE, { recursive: true });
  await bundleEntry(join(SOURCE, COMPILED, 'lib', 'index.js'), join(MODULE, 'lib', 'index.js'));
  const manifest = JSON.parse(await readFile(join(MODULE, 'package.json'), 'utf8'));
  const description = JSON.parse(await readFile(join(SOURCE, '.jsii'), 'utf8'));
  // jsii notes the versions that it compiled with; an app may have any that the package allows.
  const open = { ...description, dependencies: manifest.peerDependencies };
  await writeFile(join(MODULE, '.jsii'), JSON.stringify(open));
  await writeFile(join(MODULE, 'package.json'), JSON.stringify({ ...manifest, ...jsiiFields() }, null, 2));
  await symlink(join(PROJECT, 'node_modules'), join(MODULE, 'node_modules'));
}

async function tool(script: string, args: string[], cwd: string): Promise<void> {
  try {
    await run(process.execPath, [script, ...args], { cwd });
  } catch (failure) {
    const { stdout, stderr } = Object(failure);
    throw new Error(`${script} failed:\n${stdout}${stderr}`, { cause: failure });
  }
}

if (import.meta.main) console.log(await buildLanguages());
