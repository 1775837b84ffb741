import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clientConfig } from '../../local/endpoint/client-config.ts';
import { batchdrop, ChildRuntime } from '../child-runtime.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'batchdrop-up-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('batchdrop up', () => {
  it('with --exit and --ephemeral ends with 0 once the example has its results, and leaves nothing behind', async () => {
    const args = ['up', '--exit', '--ephemeral', '--port', '0', '--speed', '120'];
    const { code, stdout, stderr } = await batchdrop(args, { cwd: folder, env: { TMPDIR: folder } });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const statuses = [...stdout.matchAll(/^\S+ {2}(?:batch|job) +(\S+)/gm)].map(([, status]) => status);
    expect(statuses.filter((status) => status !== 'submitted')).toEqual([
      'accepted',
      'validating',
      'in_progress',
      'finalizing',
      'completed',
      'completed',
    ]);
    expect(stdout).toMatch(/The results of the example are readable: s3:\/\/\S+\/output\.jsonl$/m);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('with --exit ends with 1 and the reason when it is stopped before', async () => {
    const runtime = await ChildRuntime.start({ speed: 1, more: ['--exit'] });
    expect(await runtime.stop()).toBe(1);
    expect(await runtime.complaint).toMatch(
      /^The example job [a-z2-7]{26} has no results: the runtime was stopped, it is /,
    );
    await runtime.discard();
  });

  it('with --real hands the key to the functions’ secret alone, and writes it nowhere', async () => {
    const key = 'sk-test-never-on-disk-5f2c';
    const runtime = await ChildRuntime.start({ more: ['--real', '--yes'], env: { OPENAI_API_KEY: key } });
    const client = new SecretsManagerClient(clientConfig(runtime.names.url));
    const secret = await client.send(new GetSecretValueCommand({ SecretId: 'batchdrop/openai' }));
    client.destroy();
    const code = await runtime.stop();
    const files = readdirSync(runtime.directory, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    const holding = files.filter((file) => readFileSync(join(file.parentPath, file.name)).includes(key));
    await runtime.discard();

    expect(secret.SecretString).toBe(key);
    expect(runtime.names.openAiUrl).toBe('https://api.openai.com/v1');
    expect(code).toBe(0);
    expect(files.length).toBeGreaterThan(5);
    expect(holding).toEqual([]);
  });
});
