import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildLanguages } from '../../lib/bundling/build-languages.ts';
import { newFolder, PROJECT, run } from './installed-package.ts';

const hasPython = spawnSync('python3', ['-c', 'import venv']).status === 0;

/** The app of docs/languages.md. */
const [PYTHON_APP = ''] = [
  ...readFileSync(join(PROJECT, 'docs/languages.md'), 'utf8').matchAll(/```python\n(.*?)```/gs),
].map(([, app]) => app);

let folder: string;
let languages: string;

beforeAll(async () => {
  folder = newFolder();
  languages = await buildLanguages();
}, 300_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('there is a package for each language, which allows the same versions of the CDK as the npm package', () => {
  const { peerDependencies } = JSON.parse(readFileSync(join(PROJECT, 'dist/package/package.json'), 'utf8'));
  const lowest = peerDependencies['aws-cdk-lib'].slice(1);
  const read = (file: string) => readFileSync(join(languages, file), 'utf8');
  expect(read('python/setup.py')).toContain(`"aws-cdk-lib>=${lowest}, <3.0.0"`);
  expect(read('java/pom.xml')).toContain(`<version>[${lowest},3.0.0)</version>`);
  expect(read('go/batchdrop/go.mod')).toContain(`github.com/aws/aws-cdk-go/awscdk/v2 v${lowest}`);
  expect(read('dotnet/Batchdrop/Batchdrop.csproj')).toContain(`Version="[${lowest},3.0.0)"`);
});

describe.skipIf(!hasPython)('in Python', () => {
  it('the app of docs/languages.md synthesizes, and a wrong prop is an exception', async () => {
    expect(PYTHON_APP).toContain('from batchdrop import');
    await run('python3', ['-m', 'venv', 'venv'], { cwd: folder });
    const python = join(folder, 'venv/bin/python');
    await run(python, ['-m', 'pip', 'install', '--quiet', join(languages, 'python')], { cwd: folder });
    // jsii runs the `node` that it finds.
    const env = {
      PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
      HOME: folder,
      CDK_OUTDIR: folder,
    };
    writeFileSync(join(folder, 'app.py'), PYTHON_APP);
    await run(python, ['app.py'], { cwd: folder, env });
    const { Resources } = JSON.parse(readFileSync(join(folder, 'Reports.template.json'), 'utf8'));
    const kinds = Object.values<{ Type: string }>(Resources).map(({ Type }) => Type);
    expect(kinds.filter((kind) => kind === 'AWS::Lambda::Function')).toHaveLength(6);
    writeFileSync(join(folder, 'wrong.py'), PYTHON_APP.replace('per_day=200', 'per_day=-1'));
    await expect(run(python, ['wrong.py'], { cwd: folder, env })).rejects.toMatchObject({
      stderr: expect.stringContaining('perDay'),
    });
  }, 600_000);
});
