import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Failure } from '../../../bin/terminal/failure.ts';
import { synthesizedApp } from '../../../bin/up/cdk-app.ts';
import { cdkSettings } from '../../../bin/up/cdk-settings.ts';

let folder: string;
let outdir: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'batchdrop-cdk app-')); // a space, as in many home folders
  outdir = join(folder, 'out');
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const file = (name: string, text: string) => writeFileSync(join(folder, name), text);
const read = (name: string) => readFileSync(join(folder, name), 'utf8');

/** Ends like an app that was synthesized. */
const WRITES = 'echo "{}" > "$CDK_OUTDIR/manifest.json"';

function synthesized(app: string, more: { build?: string; context?: object; stopped?: AbortSignal } = {}) {
  const { stopped = new AbortController().signal, build, context = {} } = more;
  return synthesizedApp({ app, build, context: { ...context } }, { outdir, stopped });
}

/** Returns the failure of an app with its lines. */
async function failureOf(app: string, build?: string): Promise<string[]> {
  const failed = await synthesized(app, { ...(build !== undefined && { build }) }).catch(
    (error: unknown) => error,
  );
  if (!(failed instanceof Failure)) throw new Error(`it did not fail: ${failed}`);
  return [failed.message, ...failed.lines];
}

describe('the app of a user', () => {
  it('runs in the shell, after its build, with the variables of the CDK CLI', async () => {
    const app = `${WRITES} && echo "$CDK_CONTEXT_JSON" > "${folder}/context" && echo "$CDK_DEFAULT_ACCOUNT $CDK_DEFAULT_REGION" > "${folder}/place" && cp "${folder}/built" "${folder}/seen"`;
    const context = { stage: 'a "quoted" $HOME' };
    expect(await synthesized(app, { build: `echo built > "${folder}/built"`, context })).toBe(outdir);
    expect(read('seen')).toBe('built\n');
    expect(read('place')).toBe('000000000000 us-east-1\n');
    expect(JSON.parse(read('context'))).toMatchObject({ ...context, 'aws:cdk:bundling-stacks': ['**'] });
  });

  it('gets a large context in a file', async () => {
    const context = { large: 'x'.repeat(200_000) };
    await synthesized(`${WRITES} && cp "$CONTEXT_OVERFLOW_LOCATION_ENV" "${folder}/context"`, { context });
    expect(JSON.parse(read('context'))).toMatchObject(context);
  });

  it('may be a file of JavaScript that only Node can run, with arguments', async () => {
    const script = join(folder, 'app.js');
    writeFileSync(join(folder, 'package.json'), '{ "type": "commonjs" }'); // whatever the folder above says
    writeFileSync(
      script,
      'require("node:fs").writeFileSync(process.env.CDK_OUTDIR + "/manifest.json", process.argv[2]);',
    );
    await synthesized(`"${script}" {}`);
    expect(read('out/manifest.json')).toBe('{}');
  });

  it('fails with what it printed', async () => {
    const [sentence, ...output] = await failureOf('echo to stdout; echo to stderr >&2; exit 3');
    expect(sentence).toBe('The CDK app failed with exit code 3: echo to stdout; echo to stderr >&2; exit 3');
    expect(output.sort()).toEqual(['to stderr', 'to stdout']);
    expect(await failureOf('kill -9 $$')).toEqual([
      'The CDK app failed with SIGKILL: kill -9 $$',
      'It printed nothing.',
    ]);
    expect((await failureOf('no-such-command-here'))[0]).toContain('failed with exit code 127');
  });

  it('does not run if its build fails', async () => {
    expect(await failureOf(`touch "${folder}/ran"`, 'echo no types; exit 1')).toEqual([
      'The build of the CDK app failed with exit code 1: echo no types; exit 1',
      'no types',
    ]);
    expect(existsSync(join(folder, 'ran'))).toBe(false);
  });

  it('fails if it writes no assembly, even if an earlier run did', async () => {
    await synthesized(WRITES);
    expect(await failureOf('true')).toEqual([
      'The CDK app wrote no cloud assembly: true. It has to create an App without `outdir`, and to end with app.synth().',
      'It printed nothing.',
    ]);
  });

  it('may be the folder of an assembly, which is copied', async () => {
    const assembly = join(folder, 'cdk.out');
    mkdirSync(assembly);
    expect(await failureOf(assembly, 'exit 1')).toEqual([
      `--app ${assembly} is a folder, but not a cloud assembly: it has no manifest.json.`,
    ]);
    file('cdk.out/manifest.json', '{"artifacts":{}}');
    expect(await synthesized(assembly)).toBe(outdir);
    expect(read('out/manifest.json')).toBe('{"artifacts":{}}');
  });

  it('ends with all that it started when the user stops it', async () => {
    const stopping = new AbortController();
    const inner = `trap 'touch "${folder}/ended"; exit' TERM; touch "${folder}/began"; while :; do sleep 0.05; done`;
    file('inner.sh', inner);
    const ended = synthesized(`sh "${folder}/inner.sh" & wait`, { stopped: stopping.signal });
    await expect.poll(() => existsSync(join(folder, 'began'))).toBe(true);
    stopping.abort();
    await ended;
    await expect.poll(() => existsSync(join(folder, 'ended'))).toBe(true);
  });
});

describe('the settings of an app', () => {
  it('are those of cdk.json, with the context of the command first and that of lookups last', () => {
    file(
      'cdk.json',
      JSON.stringify({ app: ['node', 'app.js'], build: 'tsc', context: { a: 'json', b: 'json' } }),
    );
    file('cdk.context.json', JSON.stringify({ b: 'lookup', c: 'lookup' }));
    expect(cdkSettings(folder, { context: { a: 'given' } })).toEqual({
      ...{ app: 'node app.js', build: 'tsc' },
      context: { a: 'given', b: 'json', c: 'lookup' },
    });
    expect(cdkSettings(folder, { app: 'cdk.out' }).app).toBe('cdk.out');
  });

  it('fail without an app, and for a file that is not JSON', () => {
    expect(() => cdkSettings(folder, {})).toThrow(
      /^There is no CDK app: .*cdk\.json has no "app"\. Name its command/,
    );
    file('cdk.json', '{');
    expect(() => cdkSettings(folder, {})).toThrow(/cdk\.json is not JSON: /);
  });
});
