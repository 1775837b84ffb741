import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JobsAnswer } from '../../../console/api.ts';
import { readOwnerCredentials } from '../../../local/runtime/owner-credentials.ts';
import { chatRows } from '../../local/endpoint/chat-rows.ts';
import { clientConfig } from '../../local/endpoint/client-config.ts';
import { UserProgram } from '../../local/endpoint/user-program.ts';
import { writtenAssembly } from '../../local/template/written-assembly.ts';
import { batchdrop, ChildRuntime } from '../child-runtime.ts';
import { ConsoleClient } from '../console/console-client.ts';

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

  it('with --exit ends with 1 and the reason when it is stopped earlier', async () => {
    const runtime = await ChildRuntime.start({ speed: 1, more: ['--exit'] });
    expect(await runtime.stop()).toBe(1);
    expect(await runtime.complaint).toMatch(
      /^The example job [a-z2-7]{26} has no results: the runtime was stopped, it is /,
    );
    await runtime.discard();
  });

  it('ends with 1 and a sentence when the disk is full, loses nothing, and leaves no stale file', async () => {
    const runtime = await ChildRuntime.start({ speed: 60 });
    const user = new UserProgram(runtime.names);
    await user.put('kept.jsonl', chatRows(2, 'kept'));
    user.close();
    // The next save of the clock fails as on a full disk.
    symlinkSync('/dev/full', join(runtime.directory, 'runtime.json.new'));
    expect(await runtime.ended()).toBe(1);
    expect(await runtime.complaint).toMatch(
      /^No space is left on the disk\. .* Free some space, then try again\.\n$/,
    );
    const left = readdirSync(runtime.directory);
    expect(left).not.toContain('endpoint.json');
    expect(left.filter((name) => name.endsWith('.new'))).toEqual([]);

    const again = await ChildRuntime.start({ speed: 60, directory: runtime.directory });
    const program = new UserProgram(again.names);
    const { requestBucket } = again.names;
    expect(await program.read(requestBucket, 'kept.jsonl')).toBe(chatRows(2, 'kept'));
    program.close();
    await again.discard();
  });

  it('with --real accepts only calls with its credentials, gives the key only to the functions, and never writes it to disk', async () => {
    const key = 'sk-test-never-on-disk-5f2c';
    const runtime = await ChildRuntime.start({ more: ['--real', '--yes'], env: { OPENAI_API_KEY: key } });
    const { directory, names } = runtime;
    const readKey = (config: object) => {
      const client = new SecretsManagerClient({ ...clientConfig(names.url), ...config });
      const read = client.send(new GetSecretValueCommand({ SecretId: 'batchdrop/openai' }));
      return read.catch(({ name }) => name).finally(() => client.destroy());
    };
    const credentials = readOwnerCredentials(directory);
    const answers = { anybody: await readKey({}), owner: await readKey({ credentials }) };
    const [, address = ''] = /^ {2}console +(\S+)$/m.exec(runtime.printed) ?? [];
    const page = new ConsoleClient(address);
    expect(await page.get<JobsAnswer>('/api/jobs')).toEqual({ jobs: [] });
    expect((await page.ask('/api/jobs', { headers: { authorization: undefined } })).status).toBe(401);
    const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = exportsIn(runtime.printed);
    const list = (env: Record<string, string>) =>
      batchdrop(['list', '--endpoint', names.url], { cwd: folder, env });
    const found = await batchdrop(['list', '--data', directory], { cwd: folder });
    const exported = await list({ AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY });
    const without = await list({});
    const modes = ['.', 'credentials.json'].map((name) => statSync(join(directory, name)).mode & 0o777);
    const code = await runtime.stop();
    const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    const holding = files.filter((file) => readFileSync(join(file.parentPath, file.name)).includes(key));
    await runtime.discard();

    expect(answers).toEqual({ anybody: 'UnrecognizedClientException', owner: 'AccessDeniedException' });
    expect({ AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY }).toEqual({
      AWS_ACCESS_KEY_ID: credentials?.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials?.secretAccessKey,
    });
    expect([found.code, exported.code, without.code]).toEqual([0, 0, 1]);
    expect(without.stderr).toMatch(
      /^This endpoint answers only calls that are signed with the credentials in its data/,
    );
    expect(modes).toEqual([0o700, 0o600]);
    expect(names.openAiUrl).toBe('https://api.openai.com/v1');
    expect(code).toBe(0);
    expect(files.length).toBeGreaterThan(5);
    expect(holding).toEqual([]);
  });
});

describe('batchdrop up with the app of a user', () => {
  const up = (...args: string[]) => batchdrop(['up', '--port', '0', ...args], { cwd: folder });

  it('names each construct that one machine does not support, and starts nothing', async () => {
    const queue = (path: string) => ({
      Type: 'AWS::SQS::Queue',
      Metadata: { 'aws:cdk:path': path },
      Properties: { FifoQueue: true },
    });
    const Resources = { A: queue('Reports/A/Resource'), B: queue('Reports/B/Resource') };
    const app = join(folder, 'cdk.out');
    writtenAssembly(app, { Reports: { Resources } });
    const data = join(folder, 'data');
    const { code, stdout, stderr } = await up('--app', app, '--data', data);
    expect({ code, stdout, stderr: stderr.trim().split('\n') }).toEqual({
      code: 1,
      stdout: `Batchdrop is starting.\nCDK app: ${app}\n`,
      stderr: [
        'The local runtime does not support all of the app. Nothing was started.',
        'Reports/A (AWS::SQS::Queue): the property FifoQueue is not supported; use a standard queue.',
        'Reports/B (AWS::SQS::Queue): the property FifoQueue is not supported; use a standard queue.',
        expect.stringMatching(/^Leave these out of the app/),
      ],
    });
    expect(readdirSync(data)).not.toContain('aws');
  });

  it('takes the app of cdk.json in the current folder, and shows its output if it fails', async () => {
    const app = 'echo "no $stage"; exit 3';
    writeFileSync(join(folder, 'cdk.json'), JSON.stringify({ app }));
    const { code, stderr } = await up();
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `The CDK app failed with exit code 3: ${app}\nno \n`,
    });
  });

  it.each([
    ['--exit', '--exit waits for the example job, which a CDK app of your own does not get.'],
    ['--prices=x.json', '--prices works only without a CDK app of your own: set the prop `prices` there.'],
  ])('refuses %s', async (option, sentence) => {
    expect(await up('--app', 'true', option)).toMatchObject({ code: 1, stderr: `${sentence}\n` });
  });
});

/** The lines to paste into a shell. */
function exportsIn(printed: string): { AWS_ACCESS_KEY_ID: string; AWS_SECRET_ACCESS_KEY: string } {
  const value = (name: string) => new RegExp(`export ${name}=(\\S+)`).exec(printed)?.[1] ?? '';
  return {
    AWS_ACCESS_KEY_ID: value('AWS_ACCESS_KEY_ID'),
    AWS_SECRET_ACCESS_KEY: value('AWS_SECRET_ACCESS_KEY'),
  };
}
