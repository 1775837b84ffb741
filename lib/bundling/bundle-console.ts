/**
 * Bundles the console's page: `index.html` and `icon.svg` as they are, `console.js` of `main.tsx`, and `console.css`. The package's
 * command contains it; the project builds it at its first use and keeps it until its source changes.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { keptBuild } from './kept-build.ts';

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));
const SOURCE = join(PROJECT, 'console');
const KEPT = join(PROJECT, 'dist', 'console');

/** All files that determine the page. */
const INPUTS = [
  'console',
  'lib/bundling/bundle-console.ts',
  ...['preact', 'uplot', 'esbuild'].map((name) => `node_modules/${name}/package.json`),
] as const;

/** What the licences of the libraries in the page ask for. */
const NOTICE =
  '/*! Contains Preact (c) 2015-present Jason Miller and uPlot (c) 2022 Leon Sorokin, both under the MIT License. */';

/** The contents of the page's files. */
export type PageFiles = Readonly<Record<'index.html' | 'icon.svg' | 'console.js' | 'console.css', string>>;

/** Bundles the page. Errors: esbuild's error for source that does not build. */
export async function bundledPage(): Promise<PageFiles> {
  const { build } = await import('esbuild'); // only here, because most runs build nothing
  const { outputFiles } = await build({
    entryPoints: { console: join(SOURCE, 'main.tsx'), style: join(SOURCE, 'console.css') },
    outdir: '/',
    write: false,
    bundle: true,
    platform: 'browser',
    target: ['es2022', 'chrome111', 'firefox114', 'safari16.4'],
    format: 'esm',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    minify: true,
    banner: { js: NOTICE },
    logLevel: 'silent', // the thrown error has the messages
  });
  const text = (name: string) => outputFiles.find(({ path }) => path.endsWith(`/${name}`))?.text ?? '';
  return {
    'index.html': await readFile(join(SOURCE, 'index.html'), 'utf8'),
    'icon.svg': await readFile(join(SOURCE, 'icon.svg'), 'utf8'),
    'console.js': text('console.js'),
    'console.css': text('style.css'),
  };
}

/** Returns the page as of the project's present source. Errors: as `bundledPage`. */
export async function keptPage(): Promise<PageFiles> {
  const folder = await keptBuild({ folder: KEPT, inputs: INPUTS, build: writePage });
  const read = (name: string) => readFile(join(folder, name), 'utf8');
  return {
    'index.html': await read('index.html'),
    'icon.svg': await read('icon.svg'),
    'console.js': await read('console.js'),
    'console.css': await read('console.css'),
  };
}

async function writePage(folder: string): Promise<void> {
  const page = await bundledPage();
  const { stop } = await import('esbuild');
  await stop(); // otherwise esbuild's process would live as long as this one
  for (const [name, text] of Object.entries(page)) await writeFile(join(folder, name), text);
}
