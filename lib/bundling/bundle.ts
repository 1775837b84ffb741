import { randomUUID } from 'node:crypto';
import { access, mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { BUNDLES_DIRECTORY, FUNCTION_NAMES, type FunctionName } from '../stages/function-bundles.ts';

const FUNCTIONS_DIRECTORY = fileURLToPath(new URL('../../functions/', import.meta.url));
const SHIMS_DIRECTORY = fileURLToPath(new URL('./', import.meta.url));
/** Parts of the SDK that a function never uses, and what stands for them: less to read at each cold start. */
const LEFT_OUT = {
  '@aws-sdk/credential-provider-node': join(SHIMS_DIRECTORY, 'environment-credentials.ts'),
  '@smithy/core/event-streams': join(SHIMS_DIRECTORY, 'no-event-streams.ts'),
};

/** One function's bundle as it was written. */
interface FunctionBundle {
  name: FunctionName;
  file: string;
  bytes: number;
}

/**
 * Bundles every function into `<target>/<name>/index.js`, everything included. Throws a sentence that names the
 * functions without an `index.ts`, and esbuild's own error for a source that does not build.
 */
export async function bundleFunctions(
  source: string = FUNCTIONS_DIRECTORY,
  target: string = BUNDLES_DIRECTORY,
): Promise<FunctionBundle[]> {
  await refuseMissing(source);
  const { outputFiles } = await build({
    entryPoints: FUNCTION_NAMES.map((name) => ({ in: join(source, name, 'index.ts'), out: `${name}/index` })),
    outdir: target,
    write: false,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs', // 50 ms against 68 ms of loading for the S3 client
    mainFields: ['module', 'main'], // the SDK's ES modules can be shaken: 436 KB against 649 KB
    alias: LEFT_OUT,
    minify: true,
    logLevel: 'silent', // the error that is thrown says it all
  });
  const bundles: FunctionBundle[] = [];
  for (const name of FUNCTION_NAMES) {
    const file = join(target, name, 'index.js');
    const output = outputFiles.find(({ path }) => path === file);
    if (output === undefined) throw new Error(`bundle ${name}: esbuild wrote no ${file}`);
    await writeWhole(file, output.contents);
    // The project is ESM: without this file Node would take the bundle for ESM, too.
    await writeWhole(join(target, name, 'package.json'), '{"type":"commonjs"}\n');
    bundles.push({ name, file, bytes: output.contents.length });
  }
  return bundles;
}

async function refuseMissing(source: string): Promise<void> {
  const found = await Promise.allSettled(
    FUNCTION_NAMES.map((name) => access(join(source, name, 'index.ts'))),
  );
  const missing = FUNCTION_NAMES.filter((_, at) => found[at]?.status === 'rejected');
  if (missing.length > 0) {
    throw new Error(`nothing was bundled: there is no index.ts in ${source} for ${missing.join(', ')}`);
  }
}

/** A runtime or a synth that reads at the same time sees the old bundle or the new one, never half of it. */
async function writeWhole(file: string, contents: string | Uint8Array): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const draft = join(dirname(dirname(file)), `.${randomUUID()}.tmp`);
  await writeFile(draft, contents);
  await rename(draft, file);
}

if (import.meta.main) {
  try {
    for (const { name, bytes } of await bundleFunctions()) {
      // cdk.json runs this before each synth, whose standard output is the template.
      console.error(`${name.padEnd(8)} ${(bytes / 1024).toFixed(0).padStart(5)} KB`);
    }
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
