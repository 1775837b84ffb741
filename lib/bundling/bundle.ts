import { randomUUID } from 'node:crypto';
import { access, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Metafile, transform } from 'esbuild';
import { BUNDLES_DIRECTORY, FUNCTION_NAMES, type FunctionName } from '../stages/function-bundles.ts';
import { embedScanner } from './embed-scanner.ts';
import { embedTables } from './embed-tables.ts';
import { leftOut } from './left-out/left-out.ts';

const FUNCTIONS_DIRECTORY = fileURLToPath(new URL('../../functions/', import.meta.url));
const TARGET = 'node24';

/**
 * esbuild exports the handler by a getter, which nobody can replace. The layers of OpenTelemetry replace it, to trace each
 * invocation.
 */
const WRAPPABLE = 'module.exports={...module.exports};\n';

/** The bundle of one function: a folder with `index.js`, and the files that it loads on first use. */
interface FunctionBundle {
  name: FunctionName;
  /** Its `index.js`. */
  file: string;
  /** The size of all files. */
  bytes: number;
  /** The source files that are loaded at the start: all except those behind an `import()`. */
  loadedAtStart: string[];
}

interface BuiltBundle extends FunctionBundle {
  /** The contents by file name. */
  contents: Map<string, string>;
}

/**
 * Bundles every function with its dependencies into `<target>/<name>/`. Errors: an Error with the names of the
 * functions that have no `index.ts`, or esbuild's error for source that does not build.
 */
export async function bundleFunctions(
  source: string = FUNCTIONS_DIRECTORY,
  target: string = BUNDLES_DIRECTORY,
): Promise<FunctionBundle[]> {
  await refuseMissing(source);
  const bundles = await Promise.all(FUNCTION_NAMES.map((name) => bundled(name, source, target)));
  for (const { name, contents } of bundles) await writeBundle(join(target, name), contents);
  return bundles.map(({ contents: _, ...bundle }) => bundle);
}

/**
 * Bundles one function. esbuild splits only ES modules, but CommonJS starts faster: the S3 client loads in 50 ms
 * instead of 68 ms. Therefore each file is first built as an ES module and then converted to CommonJS.
 */
async function bundled(name: FunctionName, source: string, target: string): Promise<BuiltBundle> {
  const folder = join(target, name);
  const { outputFiles, metafile } = await build({
    entryPoints: { index: join(source, name, 'index.ts') },
    outdir: folder,
    write: false,
    bundle: true,
    splitting: true,
    chunkNames: '[hash]',
    metafile: true,
    platform: 'node',
    target: TARGET,
    format: 'esm',
    mainFields: ['module', 'main'], // esbuild removes unused code only from the SDK's ES modules: 436 KB, not 649 KB
    plugins: [leftOut, embedScanner, embedTables],
    minify: true,
    logLevel: 'silent', // the thrown error has the messages
  });
  const contents = new Map<string, string>();
  for (const { path, text } of outputFiles) contents.set(basename(path), await asCommonJs(text));
  contents.set('index.js', `${contents.get('index.js')}${WRAPPABLE}`);
  // The project is ESM. Without this file, Node would read the bundle as ESM too.
  contents.set('package.json', '{"type":"commonjs"}\n');
  const bytes = [...contents.values()].reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  return { name, file: join(folder, 'index.js'), bytes, loadedAtStart: loadedAtStart(metafile), contents };
}

async function asCommonJs(module: string): Promise<string> {
  const { code } = await transform(module, {
    format: 'cjs',
    platform: 'node',
    target: TARGET,
    supported: { 'dynamic-import': false }, // becomes `require`, so that Node's ES module loader is not loaded either
    minifyWhitespace: true,
    minifyIdentifiers: true, // of the lines that each file has to export its names: 4 % of a bundle
  });
  return code;
}

/** Returns the source files in `index.js` and in the files that it imports statically. */
function loadedAtStart({ outputs }: Metafile): string[] {
  const [index] = Object.entries(outputs).filter(([, { entryPoint }]) => entryPoint?.endsWith('/index.ts'));
  const files = new Set<string>(index ? [index[0]] : []);
  for (const file of files) {
    for (const { path, kind } of outputs[file]?.imports ?? [])
      if (kind === 'import-statement') files.add(path);
  }
  return [...files].flatMap((file) => Object.keys(outputs[file]?.inputs ?? {}));
}

/** Writes the files, `index.js` last, and deletes those of an earlier bundle. */
async function writeBundle(folder: string, contents: ReadonlyMap<string, string>): Promise<void> {
  for (const [file, text] of contents) if (file !== 'index.js') await writeWhole(join(folder, file), text);
  await writeWhole(join(folder, 'index.js'), contents.get('index.js') ?? '');
  for (const file of await readdir(folder)) if (!contents.has(file)) await rm(join(folder, file));
}

async function refuseMissing(source: string): Promise<void> {
  const found = await Promise.allSettled(
    FUNCTION_NAMES.map((name) => access(join(source, name, 'index.ts'))),
  );
  const missing = FUNCTION_NAMES.filter((_, at) => found[at]?.status === 'rejected');
  if (missing.length > 0) {
    throw new Error(`nothing was bundled: no index.ts in ${source} for ${missing.join(', ')}`);
  }
}

/** Writes to a temporary file and renames it, so that a concurrent reader gets either the old or the new bundle. */
async function writeWhole(file: string, contents: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const draft = join(dirname(dirname(file)), `.${randomUUID()}.tmp`);
  await writeFile(draft, contents);
  await rename(draft, file);
}

if (import.meta.main) {
  try {
    for (const { name, bytes } of await bundleFunctions()) {
      // On stderr, because cdk.json runs this before each synth, whose stdout is the template.
      console.error(`${name.padEnd(8)} ${(bytes / 1024).toFixed(0).padStart(5)} KB`);
    }
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
