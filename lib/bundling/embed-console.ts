import type { Plugin } from 'esbuild';
import { bundledPage } from './bundle-console.ts';

/** An esbuild plugin. In a bundle, `page-files.ts` then contains the console's page instead of building it. */
export const embedConsole: Plugin = {
  name: 'embed-console',
  setup(build) {
    build.onLoad({ filter: /[/\\]bin[/\\]console[/\\]page-files\.ts$/ }, async () => ({
      contents: `const page = ${JSON.stringify(await bundledPage())};\nexport const pageFiles = async () => page;`,
    }));
  },
};
