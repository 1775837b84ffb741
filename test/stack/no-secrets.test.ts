import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { BUNDLES_CONTEXT } from '../../lib/stages/function-bundles.ts';
import { placeholderBundles, temporaryDirectory } from './synthesis.ts';

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));
const run = promisify(execFile);

/** Values that may be in the environment of a deployment, but must not be in any file that it uploads. */
const MARKERS = {
  OPENAI_API_KEY: 'sk-MARKER-OF-THE-KEY',
  OPENAI_ORG_ID: 'org-MARKER',
  AWS_ACCESS_KEY_ID: 'AKIAMARKERMARKER',
  AWS_SECRET_ACCESS_KEY: 'MARKER-OF-THE-AWS-SECRET',
  AWS_SESSION_TOKEN: 'MARKER-OF-THE-AWS-SESSION',
  AUTHORIZATION: 'Bearer MARKER-OF-A-TOKEN',
};
const SECRET_NAME = 'team/batchdrop-secret';
const LOOKS_SECRET = /\bsk-[A-Za-z0-9_-]{8,}|\bAKIA[A-Z0-9]{12,}|\bwhsec_|Bearer\s/;
const NAMES_A_SECRET = /key|secret|token|password|authorization/i;

async function synthesized(): Promise<{ name: string; text: string }[]> {
  const output = join(temporaryDirectory(), 'cdk.out');
  await run(process.execPath, ['bin/app.ts'], {
    cwd: PROJECT,
    env: {
      ...process.env,
      ...MARKERS,
      CDK_OUTDIR: output,
      CDK_VALIDATION: 'false',
      CDK_CONTEXT_JSON: JSON.stringify({
        [BUNDLES_CONTEXT]: placeholderBundles(),
        apiKeySecretName: SECRET_NAME,
      }),
    },
  });
  const files = readdirSync(output, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
  return files.map(({ parentPath, name }) => ({ name, text: readFileSync(join(parentPath, name), 'utf8') }));
}

it('neither the template nor any other uploaded file contains a key, a token or an authorization', async () => {
  const files = await synthesized();
  const templates = files.filter(({ name }) => name.endsWith('.template.json'));
  expect(templates).toHaveLength(1);
  expect(files.length).toBeGreaterThan(6); // five bundles, and the manifests
  for (const { name, text } of files) {
    for (const marker of Object.values(MARKERS)) expect(text.includes(marker), name).toBe(false);
    expect(LOOKS_SECRET.exec(text)?.[0], name).toBeUndefined();
  }

  const { Resources } = JSON.parse(templates[0]?.text ?? '{}') as {
    Resources: Record<string, { Properties?: { Environment?: { Variables?: Record<string, unknown> } } }>;
  };
  const variables = Object.values(Resources).flatMap(({ Properties }) =>
    Object.entries(Properties?.Environment?.Variables ?? {}),
  );
  const named = variables.filter(([name]) => NAMES_A_SECRET.test(name));
  // Variables that are named after a secret say only where it is.
  expect(named.length).toBeGreaterThan(0);
  for (const [name, value] of named)
    expect([name, JSON.stringify(value)]).toEqual([name, expect.stringContaining(SECRET_NAME)]);
});
