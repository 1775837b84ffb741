/**
 * The scanner as WebAssembly. In the source tree, it is compiled when it is first needed, which takes one or two
 * seconds, and is stored in `dist/scanner` under a hash of its sources. Bundles replace this file with another one that
 * contains the bytes (`lib/bundling/embed-scanner.ts`), so they need neither the source nor the compiler.
 */
import { execFileSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROJECT = fileURLToPath(new URL('../../../', import.meta.url));
const SOURCE = fileURLToPath(new URL('assembly/scanner.ts', import.meta.url));
const require = createRequire(import.meta.url);
// More optimization makes the compiler twice as slow, and the scanner no faster.
const OPTIONS = ['-O1', '--runtime', 'stub', '--enable', 'simd', '--noAssert', '--initialMemory', '32'];

/** Returns the bytes of the WebAssembly module. Errors: those of the compiler, with its messages; those of the disk. */
export function scannerBytes(): Uint8Array {
  const source = readFileSync(SOURCE);
  const { dependencies } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8'));
  const hash = createHash('sha256')
    .update(`${dependencies.assemblyscript} ${OPTIONS.join(' ')}\n`)
    .update(source)
    .digest('hex');
  const directory = join(PROJECT, 'dist', 'scanner');
  const file = join(directory, `${hash.slice(0, 16)}.wasm`);
  return bytesIn(file) ?? compiled(directory, file);
}

function bytesIn(file: string): Uint8Array | undefined {
  try {
    return readFileSync(file);
  } catch (failure) {
    if (Object(failure).code === 'ENOENT') return undefined;
    throw failure;
  }
}

/** Compiles to a temporary file and renames it, so that processes that start together never read an incomplete file. */
function compiled(directory: string, file: string): Uint8Array {
  mkdirSync(directory, { recursive: true });
  const draft = join(directory, `.${randomUUID()}.wasm`);
  const asc = require.resolve('assemblyscript/bin/asc.js');
  try {
    execFileSync(process.execPath, [asc, SOURCE, '--outFile', draft, ...OPTIONS], { stdio: 'pipe' });
  } catch (failure) {
    rmSync(draft, { force: true });
    throw new Error(`the scanner does not compile:\n${Object(failure).stderr}`, { cause: failure });
  }
  const bytes = readFileSync(draft);
  renameSync(draft, file);
  return bytes;
}
