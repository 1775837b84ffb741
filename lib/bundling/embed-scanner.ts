import type { Plugin } from 'esbuild';
import { scannerBytes } from '../../functions/shared/scanner/scanner-bytes.ts';

/** An esbuild plugin. In a bundle, `scanner-bytes.ts` then contains the compiled scanner instead of compiling it. */
export const embedScanner: Plugin = {
  name: 'embed-scanner',
  setup(build) {
    build.onLoad({ filter: /[/\\]functions[/\\]shared[/\\]scanner[/\\]scanner-bytes\.ts$/ }, () => ({
      contents: `export const scannerBytes = () => Buffer.from('${base64Of(scannerBytes())}', 'base64');`,
    }));
  },
};

function base64Of(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
