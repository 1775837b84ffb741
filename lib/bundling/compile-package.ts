/**
 * Compiles what the package exports: one CommonJS file for each entry, and an ES module around it that exports the same
 * things. So an app that imports and a library that requires share one class `Batchdrop`, and `instanceof` holds. Jest, which
 * `cdk init` sets up, requires it on every Node; Node does not strip types under `node_modules`.
 */
import { execFile } from 'node:child_process';
import { glob, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';

/** `exports` of the package, by the path that an app imports. */
export type PackageEntries = Readonly<Record<string, ConditionalEntry>>;

/** The file for `import`, the file for `require`, and the declarations of each. */
interface ConditionalEntry {
  readonly import: { readonly types: string; readonly default: string };
  readonly require: { readonly types: string; readonly default: string };
}

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));
const PEERS = ['aws-cdk-lib', 'aws-cdk-lib/*', 'constructs']; // an app must have them only once
const run = promisify(execFile);

/** The construct's file lies a folder above the only source file that asks where it is: `stages/function-bundles.ts`. */
const PLACE_OF_CONSTRUCT = {
  banner: {
    js: "const place = require('node:url').pathToFileURL(require('node:path').join(__dirname, 'stages', 'x')).href;",
  },
  define: { 'import.meta.url': 'place' },
};

/** Compiles the entries of the project's package.json into a folder. Errors: an Error with the output of the compiler. */
export async function compilePackage(folder: string): Promise<PackageEntries> {
  const { exports } = JSON.parse(await readFile(join(PROJECT, 'package.json'), 'utf8'));
  const sources = Object.entries<string>(exports);
  await declare(folder);
  const entries: Record<string, ConditionalEntry> = {};
  for (const [path, source] of sources) entries[path] = await compile(folder, source);
  return entries;
}

async function compile(folder: string, source: string): Promise<ConditionalEntry> {
  const name = source.replace(/\.ts$/, '');
  await bundleEntry(join(PROJECT, source), join(folder, `${name}.js`));
  const names = Object.keys(await import(pathToFileURL(join(PROJECT, source)).href));
  const file = `./${name.split('/').at(-1)}.js`;
  await writeFile(
    join(folder, `${name}.mjs`),
    `import entry from '${file}';\nexport const { ${names.join(', ')} } = entry;\n`,
  );
  await writeFile(join(folder, `${name}.d.mts`), `export * from '${file}';\n`);
  return {
    import: { types: `${name}.d.mts`, default: `${name}.mjs` },
    require: { types: `${name}.d.ts`, default: `${name}.js` },
  };
}

/** Bundles an entry, as TypeScript or as JavaScript, into one CommonJS file. */
export async function bundleEntry(source: string, outfile: string): Promise<void> {
  await build({
    entryPoints: [source],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    external: PEERS,
    ...(/\/lib\/index\.\w+$/.test(source) && PLACE_OF_CONSTRUCT),
    logLevel: 'silent', // the thrown error has the messages
  });
}

async function declare(folder: string): Promise<void> {
  const compiler = join(PROJECT, 'node_modules', 'typescript', 'bin', 'tsc');
  try {
    await run(process.execPath, [compiler, '-p', join(PROJECT, 'tsconfig.package.json')]);
  } catch (failure) {
    throw new Error(`the package does not compile:\n${Object(failure).stdout}`, { cause: failure });
  }
  // These files contain only types for the functions.
  for await (const file of glob('functions/*/env.*', { cwd: folder })) await rm(join(folder, file));
  for await (const file of glob('**/*.d.ts', { cwd: folder })) await nameJavaScript(join(folder, file));
}

/** The compiler keeps `.ts` in the imports of declarations. Most compiler settings reject it. */
async function nameJavaScript(file: string): Promise<void> {
  const text = await readFile(file, 'utf8');
  await writeFile(file, text.replace(/(\bfrom |\bimport\()(['"]\.[^'"]*)\.ts(['"])/g, '$1$2.js$3'));
}
