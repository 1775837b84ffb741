import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { stop } from 'esbuild';
import { bundleFunctions } from '../../lib/bundling/bundle.ts';

const APP = fileURLToPath(new URL('../app.ts', import.meta.url));

/** What the CDK is told here beyond cdk.json: its own checks of the template take seconds and belong to `npm run synth`. */
const CONTEXT = { 'aws:cdk:bundling-stacks': [] };

/**
 * Bundles the functions and synthesizes the stack into `directory`: the same that a deployment does, in about a second.
 * Throws with what the synthesis printed when it fails.
 */
export async function synthesize(directory: string): Promise<void> {
  await bundleFunctions();
  await stop(); // esbuild's own process would stay as long as this one
  const child = spawn(process.execPath, [APP], {
    // Nothing of the shell: neither its credentials nor its region may show in a template that runs here.
    env: { CDK_OUTDIR: directory, CDK_CONTEXT_JSON: JSON.stringify(CONTEXT) },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
  const [complaint, code] = await Promise.all([text(child.stderr), ended]);
  if (code !== 0) throw new Error(`The stack could not be synthesized:\n${complaint.trim()}`);
}
