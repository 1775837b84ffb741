import type { BuildOptions } from 'esbuild';

/**
 * esbuild's options for a command as ES modules with all dependencies. What a command imports later lies in files of its own, so
 * that a start loads only what it uses.
 */
export const ES_MODULES = {
  bundle: true,
  platform: 'node',
  format: 'esm',
  splitting: true,
  mainFields: ['module', 'main'], // esbuild removes unused code only from the SDK's ES modules
  // Modules of dependencies that are not ES modules call `require`.
  banner: {
    js: "import { createRequire as requireFor } from 'node:module';\nconst require = requireFor(import.meta.url);",
  },
  logLevel: 'silent', // the thrown error has the messages
} satisfies BuildOptions;
