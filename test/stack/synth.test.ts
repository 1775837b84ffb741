import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { beforeAll, describe, expect, it } from 'vitest';
import { FUNCTION_NAMES } from '../../lib/stages/function-bundles.ts';
import { freshClone } from './fresh-clone.ts';
import { temporaryDirectory } from './synthesis.ts';
import { at } from './template-reading.ts';

const CDK = 'node_modules/aws-cdk/bin/cdk';

/** Makes a `node` that cannot run TypeScript, like the Node 20 of a global `cdk`. Returns its folder. */
function olderNode(): string {
  const folder = temporaryDirectory();
  const node = join(folder, 'node');
  writeFileSync(node, `#!/bin/sh\nexec '${process.execPath}' --no-strip-types "$@"\n`);
  chmodSync(node, 0o755);
  return folder;
}

/**
 * Returns an environment without credentials, region and network, with an empty home and an older Node first on the
 * path.
 */
function stranded(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(AWS|CDK|NODE_OPTIONS|.*_PROXY)/i.test(name),
  );
  return {
    ...Object.fromEntries(kept),
    HTTP_PROXY: 'http://127.0.0.1:9',
    HTTPS_PROXY: 'http://127.0.0.1:9',
    HOME: temporaryDirectory(),
    PATH: `${olderNode()}${delimiter}${process.env.PATH}`,
  };
}

async function run(
  clone: string,
  command: string,
  args: string[],
  env: NodeJS.ProcessEnv,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child: ChildProcess = spawn(command, args, { cwd: clone, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const read = (stream: ChildProcess['stdout']) => (stream === null ? '' : text(stream));
  const [stdout, stderr] = await Promise.all([read(child.stdout), read(child.stderr), once(child, 'exit')]);
  return { code: child.exitCode, stdout, stderr };
}

/** Parses a template, without the `Metadata` in which the CDK CLI records construct paths. */
function templateOf(json: string): unknown {
  return JSON.parse(json, (name, value: unknown) => (name === 'Metadata' ? undefined : value));
}

describe('on a fresh clone, without network or credentials, cdk synth', () => {
  const clone = freshClone();
  const environment = stranded();
  let synth: Awaited<ReturnType<typeof run>>;

  beforeAll(async () => {
    // --json: the same content as without it, in a format that can be parsed here.
    synth = await run(clone, 'node', [CDK, 'synth', '--json', '--strict'], environment);
  });

  it('makes the bundles and prints only the template on standard output', () => {
    expect(synth.code, synth.stderr).toBe(0);
    for (const name of FUNCTION_NAMES)
      expect(existsSync(join(clone, `dist/functions/${name}/index.js`)), name).toBe(true);
    const types = Object.values(Object(at(JSON.parse(synth.stdout), 'Resources'))).map((resource) =>
      at(resource, 'Type'),
    );
    expect(types.filter((type) => type === 'AWS::Lambda::Function')).toHaveLength(6);
  });

  it("ran on the project's own Node, because the first one on the path cannot run TypeScript", async () => {
    const { code, stderr } = await run(clone, 'node', ['bin/app.ts'], environment);
    expect(code).toBe(1);
    expect(stderr).toContain('Unknown file extension ".ts"');
  });

  /** Runs the app as `npm start` does. */
  async function runApp(context: object): Promise<{ code: number | null; stderr: string; output: string }> {
    const output = join(temporaryDirectory(), 'cdk.out');
    const ended = await run(clone, process.execPath, ['bin/app.ts'], {
      ...environment,
      CDK_OUTDIR: output,
      CDK_VALIDATION: 'false',
      CDK_CONTEXT_JSON: JSON.stringify(context),
    });
    return { ...ended, output };
  }

  it('writes the template that `npm start` runs', async () => {
    const { code, stderr, output } = await runApp({});
    expect(code, stderr).toBe(0);
    const [started, deployed] = [output, join(clone, 'cdk.out')].map((folder) =>
      templateOf(readFileSync(join(folder, 'Batchdrop.template.json'), 'utf8')),
    );
    expect(Object.keys(Object(at(deployed, 'Resources'))).length).toBeGreaterThan(50);
    expect(started).toEqual(deployed);
  });

  it('fails for a name in the context that is close to a known one', async () => {
    const { code, stderr } = await runApp({ pollMinute: '5' });
    expect(code).toBe(1);
    expect(stderr).toContain('context pollMinute is unknown; did you mean pollMinutes?');
  });

  it('warns of other names in the context that nothing reads', async () => {
    const { code, stderr, output } = await runApp({ stage: 'prod' });
    expect(code, stderr).toBe(0);
    const annotations = readdirSync(output)
      .filter((file) => file.endsWith('.json'))
      .map((file) => readFileSync(join(output, file), 'utf8'))
      .join('\n');
    expect(annotations).toContain('context stage is unknown and has no effect.');
  });
});
