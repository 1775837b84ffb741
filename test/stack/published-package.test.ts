import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { publint } from 'publint';
import { beforeAll, describe, expect, it } from 'vitest';
import { SCHEMA_FILES } from '../../functions/shared/contract/schema-files.ts';
import { buildPackage } from '../../lib/bundling/build-package.ts';
import { FUNCTION_NAMES } from '../../lib/stages/function-bundles.ts';
import {
  changesOfDeclarations,
  changesOfSchema,
  mayBreak,
  RELEASED,
  releaseOf,
} from '../released/surface.ts';
import { temporaryDirectory } from './synthesis.ts';

let directory: string;
let present: Record<string, string>;

beforeAll(async () => {
  directory = await buildPackage();
  present = releaseOf(directory);
});

const released = (name: string) => readFileSync(join(RELEASED, name), 'utf8');

describe('the package', () => {
  it('has the bundle of every function, declarations, and no TypeScript source', () => {
    const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((file) =>
      statSync(join(directory, file)).isFile(),
    );
    for (const name of FUNCTION_NAMES) expect(files).toContain(`dist/functions/${name}/index.js`);
    expect(files.filter((file) => /\.m?ts$/.test(file) && !/\.d\.m?ts$/.test(file))).toEqual([]);
    const compiled = files.filter((file) => /^(lib|functions)\/.*js$/.test(file)).sort();
    const entries = ['functions/shared/contract/index', 'lib/index'];
    expect(compiled).toEqual(entries.flatMap((entry) => [`${entry}.js`, `${entry}.mjs`]));
    for (const entry of entries)
      expect(files).toEqual(expect.arrayContaining([`${entry}.d.ts`, `${entry}.d.mts`]));
  });

  it("has the schemas of the events as files, equal to the contract's exports", () => {
    const files = readdirSync(join(directory, 'events')).sort();
    expect(files).toEqual(Object.keys(SCHEMA_FILES).sort());
    for (const file of files)
      expect(JSON.parse(readFileSync(join(directory, 'events', file), 'utf8'))).toEqual(SCHEMA_FILES[file]);
  });

  it('imports only the CDK, Node and its own files', () => {
    const construct = readFileSync(join(directory, 'lib/index.js'), 'utf8');
    const required = [...construct.matchAll(/\brequire\(["']([^"']+)["']\)/g)].map(([, from = '']) => from);
    expect(required.length).toBeGreaterThan(10);
    expect(required.filter((from) => !/^(node:\w+|aws-cdk-lib(\/.*)?|constructs)$/.test(from))).toEqual([]);
    expect(readFileSync(join(directory, 'lib/index.mjs'), 'utf8')).toMatch(
      /^import entry from '\.\/index\.js';$/m,
    );
  });

  it('has the command for deployed stacks without dependencies, and a command loads only what it uses', async () => {
    const folder = temporaryDirectory();
    cpSync(join(directory, 'bin'), folder, { recursive: true });
    const command = join(folder, 'batchdrop.mjs');
    const batchdrop = async (...args: string[]) => {
      const env = { AWS_EC2_METADATA_DISABLED: 'true', HOME: folder };
      const child = spawn(process.execPath, [command, ...args], { cwd: folder, env });
      const [stdout, stderr] = await Promise.all([
        text(child.stdout),
        text(child.stderr),
        once(child, 'exit'),
      ]);
      return { code: child.exitCode, stdout, stderr };
    };

    expect(atStart(folder, 'batchdrop.mjs')).not.toContain('node_modules/@aws-sdk/client-');
    expect(atStart(folder, 'batchdrop.mjs')).toContain('node_modules/commander/');

    const { stdout } = await batchdrop('--help');
    const commands = [...stdout.matchAll(/^ {2}([a-z]+) {2,}[A-Z]/gm)].map(([, name]) => name);
    const known = [
      'submit',
      'list',
      'show',
      'wait',
      'watch',
      'approve',
      'cancel',
      'retry',
      'logs',
      'prepare',
      'results',
      'costs',
      'console',
      'doctor',
      'pause',
      'resume',
      'redrive',
      'release',
      'webhook',
      'key',
      'purge',
      'teardown',
    ];
    expect(commands).toEqual([...known, 'up', 'openai', 'completion', 'help']);
    expect((await batchdrop('--version')).stdout).toBe(`${present['version.txt']?.trim()}\n`);
    writeFileSync(join(folder, 'bad.jsonl'), '{}\n');
    expect(await batchdrop('submit', '--dry-run', 'bad.jsonl')).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('bad.jsonl:1: custom_id'),
    });
    // It contains the SDK, which searches for credentials in all the usual places.
    expect(await batchdrop('list', '--stack', 'Batchdrop', '--region', 'us-east-1')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^There are no AWS credentials \(.*\)\. Sign in/),
    });
  });

  it('has a manifest that can be published, with types for `import`, for `require`, and without `exports`', () => {
    const manifest = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
    expect(manifest).not.toHaveProperty('private');
    expect(manifest).not.toHaveProperty('dependencies');
    expect(manifest).toMatchObject({
      name: 'batchdrop',
      bin: { batchdrop: 'bin/batchdrop.mjs' },
      repository: { type: 'git', url: expect.stringMatching(/^git\+https:.*\.git$/) },
      homepage: expect.stringMatching(/^https:.*#readme$/),
      bugs: expect.stringMatching(/^https:.*\/issues$/),
      keywords: expect.arrayContaining(['aws-cdk', 'cdk']),
      peerDependencies: {
        'aws-cdk-lib': expect.stringMatching(/^\^2\./),
        constructs: expect.stringMatching(/^\^10\./),
      },
      main: manifest.exports['.'].require.default,
      types: manifest.exports['.'].require.types,
      typesVersions: { '*': { events: [manifest.exports['./events'].require.types] } },
    });
    for (const entry of ['.', './events'])
      for (const way of ['import', 'require'])
        for (const file of Object.values<string>(manifest.exports[entry][way]))
          expect(statSync(join(directory, file)).isFile(), file).toBe(true);
  });

  it('passes publint', async () => {
    const { messages } = await publint({ pkgDir: directory, pack: false, strict: true });
    expect(messages).toEqual([]);
  });
});

describe('the surface of the last release', () => {
  const compatible = (changes: string[]) =>
    mayBreak(released('version.txt'), present['version.txt'] ?? '') ? [] : changes;

  it.each(['batchdrop.d.ts.txt', 'events.d.ts.txt'])('still has every declaration: %s', (name) => {
    expect(released(name).split('\n').length).toBeGreaterThan(20);
    expect(compatible(changesOfDeclarations(released(name), present[name] ?? ''))).toEqual([]);
  });

  it('still has every field of the schemas', () => {
    const [former, now] = [released('schemas.json.txt'), present['schemas.json.txt'] ?? ''].map((text) =>
      JSON.parse(text),
    );
    expect(Object.keys(former)).toHaveLength(7);
    const changes = Object.keys(former).flatMap((name) =>
      changesOfSchema(former[name], now[name], name, name.endsWith('RequestSchema')),
    );
    expect(compatible(changes)).toEqual([]);
  });
});

describe('the comparison finds', () => {
  const former =
    'export interface A {\n    one: string;\n    two?: number;\n}\nexport declare const B: readonly ["x", "y"];\n';
  it.each([
    ['a removed field', '    two?: number;\n', '', ['A: "two?: number;" was removed or changed']],
    [
      'a field with another type',
      'one: string',
      'one: string | null',
      ['A: "one: string;" was removed or changed'],
    ],
    ['a removed declaration', 'interface A', 'interface C', ['A was removed']],
    [
      'a value removed from a list',
      '"x", ',
      '',
      ['B: "export declare const B: readonly ["x", "y"];" was removed or changed'],
    ],
    ['nothing for an added field', '    one', '    zero?: string;\n    one', []],
    ['nothing for a longer list', '"y"]', '"y", "z"]', []],
  ])('%s', (_, from, to, changes) => {
    expect(former).toContain(from);
    expect(changesOfDeclarations(former, former.replace(from, to))).toEqual(changes);
  });

  const schema = {
    type: 'object',
    properties: { a: { enum: ['x'] }, b: { type: 'string' } },
    required: ['a'],
  };
  const properties = { ...schema.properties, c: { type: 'string' } };
  it.each([
    ['a removed field', { ...schema, properties: { a: schema.properties.a } }, 1, 1],
    ['an added value', { ...schema, properties: { ...schema.properties, a: { enum: ['x', 'y'] } } }, 1, 1],
    ['a field that became optional', { ...schema, required: [] }, 1, 1],
    ['an object that allows less', { ...schema, additionalProperties: false }, 1, 1],
    ['nothing for an added field', { ...schema, properties }, 0, 0],
    ['a field that senders must now set', { ...schema, properties, required: ['a', 'c'] }, 0, 1],
  ])('in a schema: %s', (_, now, inEvents, inRequests) => {
    expect(changesOfSchema(schema, now, 's', false)).toHaveLength(inEvents);
    expect(changesOfSchema(schema, now, 's', true)).toHaveLength(inRequests);
  });

  it.each([
    ['0.1.0', '0.1.9', false],
    ['0.1.0', '0.2.0', true],
    ['1.4.0', '1.5.0', false],
    ['1.4.0', '2.0.0', true],
  ])('whether %s → %s may break', (from, to, may) => {
    expect(mayBreak(from, to)).toBe(may);
  });
});

/** Returns the modules that a file loads at once, with their contents. */
function atStart(folder: string, file: string, seen = new Set<string>()): string {
  if (seen.has(file)) return '';
  seen.add(file);
  const content = readFileSync(join(folder, file), 'utf8');
  const imported = [...content.matchAll(/^(?:\} from|import) "\.\/([^"]+)";$/gm)].map(
    ([, name = '']) => name,
  );
  return [content, ...imported.map((name) => atStart(folder, name, seen))].join('\n');
}
