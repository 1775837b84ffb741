import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { stop } from 'esbuild';
import { bundleFunctions } from '../../lib/bundling/bundle.ts';
import { Failure } from '../terminal/failure.ts';

const APP = fileURLToPath(new URL('../app.ts', import.meta.url));
const NODE_VERSION = fileURLToPath(new URL('../node-version.cjs', import.meta.url));

/** CDK context in addition to cdk.json: no stack's assets are bundled again. */
const CONTEXT = { 'aws:cdk:bundling-stacks': [] };

/**
 * Bundles the functions and synthesizes the stack into `directory`, as a deployment does, in about a second. Throws with the output of
 * the CDK app if that fails. `context`: as in `cdk deploy -c`.
 */
export async function synthesize(directory: string, context: Record<string, string> = {}): Promise<void> {
  await bundleFunctions();
  await stop(); // otherwise esbuild's process would live as long as this one
  const child = spawn(process.execPath, ['--require', NODE_VERSION, APP], {
    // Without the shell's variables: its credentials and Region must not appear in the template.
    // Without the CDK's own validation of the template: it takes seconds, and belongs to `npm run synth`.
    env: {
      CDK_OUTDIR: directory,
      CDK_CONTEXT_JSON: JSON.stringify({ ...context, ...CONTEXT }),
      CDK_VALIDATION: 'false',
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
  const [complaint, code] = await Promise.all([text(child.stderr), ended]);
  if (code !== 0) throw new Failure('cdk synth failed:', { lines: complaint.trim().split('\n') });
}
