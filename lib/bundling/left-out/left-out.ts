import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'esbuild';

/** Packages that no function uses, and what takes their place. */
const PACKAGES: Readonly<Record<string, string>> = {
  '@aws-sdk/credential-provider-node': 'environment-credentials.ts',
  '@smithy/core/event-streams': 'no-event-streams.ts',
  bowser: 'no-browsers.ts',
};

/** The same for files of `@smithy/core`. `test/stack/bundle.test.ts` fails if a version of it has other files. */
const FILES: Readonly<Record<string, string>> = {
  'shared-ini-file-loader/loadSharedConfigFiles.js': 'no-configuration-files.ts',
  'serde/uuid/v4.js': 'random-uuids.ts',
};

const replacement = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** An esbuild plugin that leaves out parts of the SDK that no function uses. Each cold start then loads less code. */
export const leftOut: Plugin = {
  name: 'left-out',
  setup(build) {
    build.onResolve({ filter: /^[@a-z]/ }, ({ path }) => {
      const name = PACKAGES[path];
      return name === undefined ? undefined : { path: replacement(name) };
    });
    build.onLoad({ filter: /[/\\]@smithy[/\\]core[/\\].*\.js$/ }, async ({ path }) => {
      const end = Object.keys(FILES).find((file) => path.replaceAll('\\', '/').endsWith(`/${file}`));
      if (end === undefined) return undefined;
      return { contents: await readFile(replacement(FILES[end] ?? ''), 'utf8'), loader: 'ts' };
    });
  },
};
