import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { BUNDLES_CONTEXT } from '../../lib/stages/worker-function.ts';
import { placeholderBundles, temporaryDirectory } from './synthesis.ts';
import { at } from './template-reading.ts';

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));
const run = promisify(execFile);

/** No credentials, no region, an empty home, and a proxy that refuses: whatever asks the network fails. */
function stranded(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(AWS|CDK|NODE_OPTIONS|.*_PROXY)/i.test(name),
  );
  const nowhere = { HTTP_PROXY: 'http://127.0.0.1:9', HTTPS_PROXY: 'http://127.0.0.1:9' };
  return { ...Object.fromEntries(kept), ...nowhere, HOME: temporaryDirectory() };
}

/** The template without `Metadata`, in which the tool notes where constructs are. */
function templateIn(output: string): unknown {
  const text = readFileSync(join(output, 'Batchdrop.template.json'), 'utf8');
  return JSON.parse(text, (name, value: unknown) => (name === 'Metadata' ? undefined : value));
}

it('synthesis needs neither network nor credentials, and gives `npm start` the template that is deployed', async () => {
  const bundles = placeholderBundles();
  const [byTool, byRuntime] = [join(temporaryDirectory(), 'cdk.out'), join(temporaryDirectory(), 'cdk.out')];
  const options = ['--quiet', '--strict', '--output', byTool, '--context', `${BUNDLES_CONTEXT}=${bundles}`];
  const environment = stranded();

  await run(join(PROJECT, 'node_modules/.bin/cdk'), ['synth', ...options], {
    cwd: PROJECT,
    env: environment,
  });
  await run(process.execPath, ['bin/app.ts'], {
    cwd: PROJECT,
    env: {
      ...environment,
      CDK_OUTDIR: byRuntime,
      CDK_VALIDATION: 'false',
      CDK_CONTEXT_JSON: JSON.stringify({ [BUNDLES_CONTEXT]: bundles }),
    },
  });

  const deployed = templateIn(byTool);
  const types = Object.values(Object(at(deployed, 'Resources'))).map((resource) => at(resource, 'Type'));
  expect(types.filter((type) => type === 'AWS::Lambda::Function')).toHaveLength(5);
  expect(templateIn(byRuntime)).toEqual(deployed);
});
