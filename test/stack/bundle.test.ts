import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { scannerBytes } from '../../functions/shared/scanner/scanner-bytes.ts';
import { bundleFunctions } from '../../lib/bundling/bundle.ts';
import { FUNCTION_NAMES } from '../../lib/stages/function-bundles.ts';
import { temporaryDirectory } from './synthesis.ts';

const run = promisify(execFile);

/** Writes functions with a shared file, in TypeScript and ES modules like the real ones. Returns their folder. */
function exampleFunctions(): string {
  const directory = join(temporaryDirectory(), 'functions');
  mkdirSync(join(directory, 'shared'), { recursive: true });
  writeFileSync(
    join(directory, 'shared/greet.ts'),
    'export const greet = (name: string): string => "hello ".concat(name);',
  );
  for (const name of FUNCTION_NAMES) {
    mkdirSync(join(directory, name));
    writeFileSync(
      join(directory, name, 'index.ts'),
      `import { greet } from '../shared/greet.ts';\nexport const handler = async (): Promise<string> => greet('${name}');\n`,
    );
  }
  return directory;
}

const MAX_BUNDLE = 600 * 1024; // loaded and compiled at each cold start

/** The AWS clients that each function needs. None needs that of DynamoDB (ADR 0032). */
const CLIENTS = {
  intake: ['EventBridge', 'S3', 'SQS'],
  submit: ['EventBridge', 'S3', 'SQS', 'Secrets Manager'],
  poll: ['EventBridge', 'SQS', 'Secrets Manager'],
  deliver: ['EventBridge', 'S3', 'Secrets Manager'],
  cancel: ['EventBridge', 'Secrets Manager'],
  approve: ['EventBridge', 'SQS'],
  webhook: ['EventBridge', 'SQS', 'Secrets Manager'],
  start: ['S3'],
  answer: ['SFN'],
};

/** The functions that scan files. Their bundles contain the compiled scanner. */
const WITH_SCANNER = ['deliver', 'intake'];
const SCANNER = Buffer.from(scannerBytes()).toString('base64');

const ANY_ENVIRONMENT = Object.fromEntries(
  [
    'BUCKET_OWNER',
    'COMPLETION_WINDOW',
    'DELIVER_QUEUE_URL',
    'EVENT_BUS_ARN',
    'INTAKE_QUEUE_URL',
    'LEDGER_TABLE',
    'OPENAI_SECRET_ID',
    'REQUEST_BUCKET',
    'RESULTS_BUCKET',
    'SUBMIT_QUEUE_URL',
    'WEBHOOK_SECRET_ID',
  ].map((name) => [name, 'x']),
);

const ANY_FUNCTION = {
  ...ANY_ENVIRONMENT,
  BATCH_LIMITS: '{"enqueuedTokens":{}}',
  KEEP_OPENAI_FILES: 'no',
  MAX_ATTEMPTS: '3',
  INSTANCE: 'somewhere.batchdrop',
  RERUN_MISSING: 'no',
  OPENAI_BASE_URL: 'https://api.openai.com/v1',
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'x',
  AWS_SECRET_ACCESS_KEY: 'x',
};

function clientsIn(source: string): string[] {
  return [...source.matchAll(/serviceId\?\?"([\w ]+)"/g)].map(([, id = '']) => id).sort();
}

let bundles: Awaited<ReturnType<typeof bundleFunctions>>;

beforeAll(async () => {
  bundles = await bundleFunctions(undefined, temporaryDirectory());
});

describe('the bundles of the functions', () => {
  it('are small, contain only the AWS clients that the function needs, and start alone', async () => {
    expect(bundles).toHaveLength(FUNCTION_NAMES.length);
    for (const { name, file, bytes } of bundles) {
      expect(bytes, name).toBeLessThan(MAX_BUNDLE);
      const files = readdirSync(dirname(file)).map((each) => readFileSync(join(dirname(file), each), 'utf8'));
      expect(Buffer.byteLength(files.join('')), name).toBe(bytes);
      const source = files.join('\n');
      expect(source.includes(SCANNER), name).toBe(WITH_SCANNER.includes(name));
      expect(source, name).not.toContain('assemblyscript');
      expect(clientsIn(source), name).toEqual(CLIENTS[name]);
      // A layer of OpenTelemetry replaces the handler.
      const script = `const made = require(${JSON.stringify(file)});
        const { handler } = made;
        made.handler = (...args) => handler(...args);
        process.stdout.write(typeof handler + (made.handler === handler))`;
      const { stdout } = await run(process.execPath, ['--eval', script], { env: ANY_FUNCTION });
      expect(stdout, name).toBe('functionfalse');
    }
  });

  it('have one copy of what signs, sends and repeats, for the ledger’s calls and the clients of the SDK', () => {
    const lock: { packages: object } = JSON.parse(readFileSync('package-lock.json', 'utf8'));
    for (const part of ['core', 'node-http-handler', 'signature-v4']) {
      const copies = Object.keys(lock.packages).filter((path) =>
        path.endsWith(`node_modules/@smithy/${part}`),
      );
      expect(copies, 'raise its version in package.json with that of the SDK').toEqual([
        `node_modules/@smithy/${part}`,
      ]);
    }
  });
});

/** Packages that a function loads on first use or never, and not at its start. */
const LATE = [
  '@aws-sdk/client-dynamodb',
  '@aws-sdk/client-eventbridge',
  '@aws-sdk/client-s3',
  '@aws-sdk/client-secrets-manager',
  '@aws-sdk/client-sfn',
  '@aws-sdk/client-sqs',
  '@aws-sdk/middleware-sdk-s3',
  '@aws-sdk/checksums',
];

/** For configuration files and for random ids, see `lib/bundling/left-out`. */
const FOR_NOTHING = ['fs/promises', 'internal/readline/interface', 'internal/crypto/webcrypto'];

describe('the cold start of a function', () => {
  it('loads only what makes the ledger’s calls, and the clients of the SDK on first use', () => {
    for (const { name, loadedAtStart } of bundles) {
      const packages = new Set(
        loadedAtStart.map((file) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1]),
      );
      expect(packages, name).toContain('@smithy/signature-v4');
      expect(
        LATE.filter((late) => packages.has(late)),
        name,
      ).toEqual([]);
      expect(
        loadedAtStart.some((file) => file.endsWith(`functions/${name}/handler.ts`)),
        name,
      ).toBe(true);
    }
  });

  it('of DELIVER does not load what writes a table, which few jobs ask for', () => {
    const { loadedAtStart = [] } = bundles.find(({ name }) => name === 'deliver') ?? {};
    expect(loadedAtStart.some((file) => file.endsWith('deliver/job/finish-job.ts'))).toBe(true);
    expect(loadedAtStart.filter((file) => /flat-results\/|write-table/.test(file))).toEqual([]);
  });

  it('does not load tracing, nor the client of the Batch API', () => {
    for (const { name, loadedAtStart } of bundles)
      expect(
        loadedAtStart.filter((file) => /adapters\/(tracing\/|openai\/(batch-api|transport))/.test(file)),
        name,
      ).toEqual([]);
  });

  it('loads none of the modules of Node that the SDK would load for nothing', async () => {
    for (const { name, file } of bundles) {
      const script = `require(${JSON.stringify(file)});
        process.stdout.write(JSON.stringify(process.moduleLoadList))`;
      const { stdout } = await run(process.execPath, ['--eval', script], { env: ANY_FUNCTION });
      const loaded: string[] = JSON.parse(stdout);
      expect(loaded, name).toContain('NativeModule https');
      expect(
        loaded.filter((module) => FOR_NOTHING.some((each) => module === `NativeModule ${each}`)),
        name,
      ).toEqual([]);
    }
  });

  it('needs no file that is loaded later', async () => {
    for (const { name, file } of bundles) {
      const script = `require(${JSON.stringify(file)});
        process.stdout.write(JSON.stringify(Object.keys(require.cache)))`;
      const { stdout } = await run(process.execPath, ['--eval', script], { env: ANY_FUNCTION });
      const loaded: string[] = JSON.parse(stdout);
      const all = readdirSync(dirname(file)).filter((each) => each.endsWith('.js'));
      expect(loaded.length, name).toBeLessThan(all.length);
      const source = loaded.map((each) => readFileSync(each, 'utf8')).join('\n');
      expect(clientsIn(source), name).toEqual([]);
      expect(source, name).toContain('DynamoDB_20120810');
    }
  });
});

describe('bundling', () => {
  it('writes one file per function, which Node runs as CommonJS in any folder', async () => {
    const target = temporaryDirectory();
    writeFileSync(join(target, 'package.json'), '{"type":"module"}'); // as in the project's
    const examples = await bundleFunctions(exampleFunctions(), target);
    expect(examples.map(({ name }) => name)).toEqual([...FUNCTION_NAMES]);
    for (const { name, file, bytes } of examples) {
      expect(bytes).toBeGreaterThan(0);
      const call = `require(${JSON.stringify(file)}).handler().then((said) => process.stdout.write(said))`;
      const { stdout } = await run(process.execPath, ['--eval', call], { cwd: target });
      expect(stdout).toBe(`hello ${name}`);
    }
  });

  it('writes code that is loaded later to separate files, and removes those of the previous bundle', async () => {
    const source = exampleFunctions();
    const target = temporaryDirectory();
    const late = join(source, 'shared/late.ts');
    writeFileSync(
      join(source, 'poll/index.ts'),
      `export const handler = async (): Promise<string> => (await import('../shared/late.ts')).said;\n`,
    );
    for (const said of ['once', 'again']) {
      writeFileSync(late, `export const said: string = '${said}';\n`);
      const bundle = (await bundleFunctions(source, target)).find(({ name }) => name === 'poll');
      const call = `require(${JSON.stringify(bundle?.file)}).handler().then((text) => process.stdout.write(text))`;
      expect((await run(process.execPath, ['--eval', call])).stdout).toBe(said);
      expect(bundle?.loadedAtStart.filter((file) => file.endsWith('/late.ts'))).toEqual([]);
      expect(readdirSync(join(target, 'poll'))).toHaveLength(3);
    }
  });

  it('makes a text of a JSON file, which is parsed when it is used', async () => {
    const source = exampleFunctions();
    writeFileSync(join(source, 'shared/table.json'), '{"said":"hello","a-b":["\\u2028"]}');
    writeFileSync(
      join(source, 'poll/index.ts'),
      `import table from '../shared/table.json' with { type: 'json' };
      export const handler = async (): Promise<string> => JSON.stringify({ ...table });\n`,
    );
    const bundle = (await bundleFunctions(source, temporaryDirectory())).find(({ name }) => name === 'poll');
    const script = `const { parse } = JSON;
      let parsed = 0;
      JSON.parse = (...args) => (parsed++, parse(...args));
      const { handler } = require(${JSON.stringify(bundle?.file)});
      const atStart = parsed;
      handler().then((text) => process.stdout.write([atStart, text, parsed].join(' ')))`;
    const { stdout } = await run(process.execPath, ['--eval', script]);
    expect(stdout).toBe('0 {"said":"hello","a-b":["\u2028"]} 1');
  });

  it('leaves no temporary files', async () => {
    const target = temporaryDirectory();
    const source = exampleFunctions();
    await bundleFunctions(source, target);
    await bundleFunctions(source, target);
    expect(readdirSync(target).sort()).toEqual([...FUNCTION_NAMES].sort());
    expect(readdirSync(join(target, 'intake')).sort()).toEqual(['index.js', 'package.json']);
  });

  it('names the missing functions and writes nothing', async () => {
    const source = exampleFunctions();
    const target = temporaryDirectory();
    rmSync(join(source, 'poll/index.ts'));
    await expect(bundleFunctions(source, target)).rejects.toThrow(/no index\.ts in .* for poll$/);
    expect(readdirSync(target)).toEqual([]);
  });

  it('reports source that does not build', async () => {
    const source = exampleFunctions();
    writeFileSync(
      join(source, 'submit/index.ts'),
      "import { gone } from '../shared/gone.ts';\nexport const handler = gone;",
    );
    await expect(bundleFunctions(source, temporaryDirectory())).rejects.toThrow(
      'Could not resolve "../shared/gone.ts"',
    );
  });
});
