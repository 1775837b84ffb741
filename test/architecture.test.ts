import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

/** A layer: its files, and what they may import. Paths start at the project's root; other names are packages. */
interface Layer {
  contains: RegExp;
  mayImport: RegExp[];
  /** What they may import only with `import type`, so that none of its code runs here. */
  mayImportTypes?: RegExp[];
  /** What they may not import, although another pattern allows it. */
  mayNotImport?: RegExp;
}

const PURE_NODE = /^node:(crypto|buffer|util|assert|zlib)$/;
const NODE = /^node:/;
const shared = (folder: string) => new RegExp(`^functions/shared/${folder}/`);
const CONTRACT = shared('contract');
const DOMAIN = shared('domain');
const PORTS = shared('ports');
const PART_ROWS = shared('part-rows');
const SCANNER = shared('scanner');
const REQUEST_FILE = shared('request-file');
const RESULT_LINES = shared('result-lines');
const FLAT_RESULTS = shared('flat-results');
const LIFECYCLE = shared('lifecycle');
const ADAPTERS = shared('adapters');
const BASE = [CONTRACT, DOMAIN, PORTS, PURE_NODE];
const SDK = /^@aws-sdk\/|^standardwebhooks$/;
const CDK = /^aws-cdk-lib(\/|$)|^constructs$/;
const DYNAMODB = /^@aws-sdk\/client-dynamodb$/;
const PACKAGE_BUT_CDK =
  /^(?!aws-cdk-lib|constructs|node:|(bin|console|lib|functions|local|test)\/)[@a-z][\w@/.-]*$/;
const STAGES = ['intake', 'submit', 'poll', 'deliver', 'cancel', 'approve', 'webhook', 'start', 'answer'];

/**
 * A stage may import itself and the shared folders, but no other stage. It reaches the outside world only through the
 * ports.
 */
const stages = Object.fromEntries(
  STAGES.map((stage): [string, Layer] => [
    `stage ${stage}`,
    {
      contains: new RegExp(`^functions/${stage}/(?!(index|env)\\.ts$)`),
      mayImport: [
        new RegExp(`^functions/${stage}/(?!(index|env)\\.ts$)`),
        ...BASE,
        PART_ROWS,
        SCANNER,
        REQUEST_FILE,
        RESULT_LINES,
        FLAT_RESULTS,
        LIFECYCLE,
      ],
    },
  ]),
);

/** The layer of a file is the first one whose `contains` matches its path. */
const LAYERS: Record<string, Layer> = {
  contract: { contains: CONTRACT, mayImport: [CONTRACT] },
  domain: { contains: DOMAIN, mayImport: [DOMAIN, CONTRACT, PURE_NODE] },
  ports: { contains: PORTS, mayImport: [PORTS, DOMAIN, CONTRACT] },
  'part-rows': { contains: PART_ROWS, mayImport: [PART_ROWS, ...BASE] },
  // The only file of the scanner with side effects. Bundles replace it.
  'scanner bytes': { contains: /^functions\/shared\/scanner\/scanner-bytes\.ts$/, mayImport: [NODE] },
  scanner: { contains: SCANNER, mayImport: [SCANNER] },
  'request-file': { contains: REQUEST_FILE, mayImport: [REQUEST_FILE, PART_ROWS, SCANNER, ...BASE] },
  'result-lines': { contains: RESULT_LINES, mayImport: [RESULT_LINES, PART_ROWS, SCANNER, ...BASE] },
  'flat-results': { contains: FLAT_RESULTS, mayImport: [FLAT_RESULTS, RESULT_LINES, PART_ROWS, ...BASE] },
  lifecycle: { contains: LIFECYCLE, mayImport: [LIFECYCLE, PART_ROWS, ...BASE] },
  // The only adapter that uses the parts of which the clients of the SDK are made (ADR 0032).
  'signed calls': {
    contains: /^functions\/shared\/adapters\/dynamodb\/signed-table-calls\.ts$/,
    mayImport: [ADAPTERS, DOMAIN, NODE, /^@smithy\//],
    mayImportTypes: [SDK],
  },
  adapters: {
    contains: ADAPTERS,
    mayImport: [ADAPTERS, PORTS, DOMAIN, CONTRACT, NODE, SDK],
    mayImportTypes: [/^openai(\/|$)/, /^aws-lambda$/],
  },
  environments: { contains: /^functions\/[a-z]+\/env\.ts$/, mayImport: [] },
  ...stages,
  'composition roots': {
    contains: /^functions\/[a-z]+\/index\.ts$/,
    mayImport: [/^functions\/[a-z]+\/(handler|env)\.ts$/, ADAPTERS, PORTS, DOMAIN, CONTRACT, NODE, SDK],
    mayImportTypes: [/^aws-lambda$/],
  },
  bundling: {
    contains: /^lib\/bundling\//,
    mayImport: [
      /^lib\/(bundling|stages\/function-bundles)/,
      /^functions\/shared\/scanner\/scanner-bytes\.ts$/,
      /^functions\/shared\/adapters\/aws\/environment-credentials\.ts$/, // in the place of the SDK's
      ...[CONTRACT, NODE, /^esbuild$/],
    ],
  },
  // The script that renews the table of list prices.
  prices: {
    contains: /^lib\/prices\//,
    mayImport: [NODE, /^@pydantic\/genai-prices$/],
    mayImportTypes: [DOMAIN],
  },
  // The script that writes the template for accounts without the CDK.
  template: {
    contains: /^lib\/template\//,
    mayImport: [/^lib\/(?!prices\/)/, /^cdk\.json$/, CONTRACT, CDK, NODE],
  },
  constructs: {
    contains: /^lib\//,
    // The links of the alarms contain the version.
    mayImport: [/^lib\/(?!bundling\/|prices\/|template\/)/, CONTRACT, CDK, NODE, /^package\.json$/],
    mayImportTypes: [/^functions\/[a-z]+\/env\.ts$/],
  },
  runtime: { contains: /^local\//, mayImport: [/^local\//, CONTRACT, NODE, PACKAGE_BUT_CDK] },
  // The console's page runs in a browser: of the rest of the project, it knows types only, and which characters are not shown as they are.
  page: {
    contains: /^console\//,
    mayImport: [/^console\//, /^local\/unprintable\.ts$/, /^(preact|uplot)(\/|$)/],
    mayImportTypes: [CONTRACT],
  },
  // The CLI uses the ledger through its ports, and knows nothing of the table.
  commands: {
    contains: /^bin\//,
    mayImport: [
      /^(bin|lib|local|functions\/shared(?!\/adapters\/dynamodb))\//,
      /^functions\/shared\/adapters\/dynamodb\/open-ledger\.ts$/,
      /^(cdk|package)\.json$/,
      ...[CDK, NODE, PACKAGE_BUT_CDK],
    ],
    mayImportTypes: [/^console\/api\.ts$/],
    mayNotImport: DYNAMODB,
  },
};

const IMPURE =
  /\b(Date\.now|new Date\(\s*\)|randomUUID|randomBytes|Math\.random|performance\.|process\.|console\.|fetch\(|setTimeout|setInterval|globalThis)/g;
const WITH_EFFECTS = new Set([
  'scanner bytes',
  'adapters',
  'environments',
  'composition roots',
  'bundling',
  'prices',
  'template',
  'constructs',
  'runtime',
  'page',
  'commands',
]);
/** Ways to read a whole table. */
const SCANS = /\b(ScanCommand|paginateScan|dynamodb:Scan|ExecuteStatementCommand)\b/g;
const MAX_FILES_IN_A_FOLDER = 20;
const MEANINGLESS = /^(utils?|helpers?|common|types|misc|managers?|services?)$/;
const PROJECT = fileURLToPath(new URL('../', import.meta.url));

interface Import {
  target: string;
  typeOnly: boolean;
}

/** Comments may contain anything. (A `//` in a string also ends its line, but that hides no import.) */
const withoutComments = (source: string) => source.replace(/\/\*[\s\S]*?\*\/|(?<!:)\/\/.*$/gm, '');

function importsOf(file: string, source: string): Import[] {
  const code = withoutComments(source);
  const statements = code.matchAll(
    /^\s*(?:(?:import|export)\b(?<clause>[\w$*\s{},]+)\bfrom|import)\s*['"](?<name>[^'"]+)['"]/gm,
  );
  const calls = code.matchAll(/\b(?:import|require)\(\s*['"`](?<name>[^'"`]+)['"`]/g);
  return [...statements, ...calls].map(({ groups }) => {
    const name = groups?.name ?? '';
    return {
      target: name.startsWith('.') ? posix.join(posix.dirname(file), name) : name,
      typeOnly: /^\s*type\b/.test(groups?.clause ?? ''),
    };
  });
}

function forbiddenImports(file: string, source: string): string[] {
  const layer = layerOf(file);
  if (layer === undefined) return [`${file} is in no layer`];
  const forbidden = importsOf(file, source).filter(({ target, typeOnly }) => {
    const allowed = typeOnly ? [...layer.mayImport, ...(layer.mayImportTypes ?? [])] : layer.mayImport;
    return layer.mayNotImport?.test(target) || !allowed.some((pattern) => pattern.test(target));
  });
  return forbidden.map(({ target }) => `${file} imports ${target}`);
}

/** Returns the groups of files in which each file reaches every other one through imports. */
function cycles(imports: ReadonlyMap<string, readonly string[]>): string[][] {
  const reached = new Map([...imports.keys()].map((file) => [file, reachableFrom(file, imports)]));
  const groups = new Map<string, string[]>();
  for (const [file, others] of reached) {
    if (!others.has(file)) continue;
    const group = [...others].filter((other) => reached.get(other)?.has(file)).sort();
    groups.set(group.join(' '), group);
  }
  return [...groups.values()];
}

function reachableFrom(file: string, imports: ReadonlyMap<string, readonly string[]>): Set<string> {
  const seen = new Set<string>();
  const open = [...(imports.get(file) ?? [])];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (seen.has(next) || !imports.has(next)) continue;
    seen.add(next);
    open.push(...(imports.get(next) ?? []));
  }
  return seen;
}

function impurities(file: string, source: string): string[] {
  return [...withoutComments(source).matchAll(IMPURE)].map(([found]) => `${file} uses ${found}`);
}

function scans(file: string, source: string): string[] {
  return [...withoutComments(source).matchAll(SCANS)].map(([found]) => `${file} uses ${found}`);
}

const entries = ['bin', 'console', 'lib', 'functions', 'local', 'test'].flatMap((top) =>
  readdirSync(PROJECT + top, { recursive: true, encoding: 'utf8' }).map((path) => posix.join(top, path)),
);
const read = (wanted: (path: string) => boolean) =>
  new Map(
    entries
      .filter((path) => /\.tsx?$/.test(path) && wanted(path))
      .map((path) => [path, readFileSync(PROJECT + path, 'utf8')]),
  );
const sources = read((path) => !path.startsWith('test/'));
const tests = read((path) => path.startsWith('test/'));
const layerOf = (file: string) => Object.values(LAYERS).find(({ contains }) => contains.test(file));
const filesOf = (layer: Layer) => [...sources].filter(([file]) => layerOf(file) === layer);

describe('the layers', () => {
  it.each(Object.entries(LAYERS))('%s: its files import only what is allowed', (_, layer) => {
    const files = filesOf(layer);
    expect(files.length).toBeGreaterThan(0); // a check that examined nothing must fail
    expect(files.flatMap(([file, source]) => forbiddenImports(file, source))).toEqual([]);
  });

  it('contain every source file', () => {
    expect([...sources.keys()].filter((file) => layerOf(file) === undefined)).toEqual([]);
  });

  it('are checked with all their imports, one per `from` clause', () => {
    const found = [...sources].flatMap(([file, source]) => importsOf(file, source));
    const written = [...sources.values()].join('\n').match(/^(import|export|\}) .*\bfrom '/gm) ?? [];
    expect(written.length).toBeGreaterThan(50);
    expect(found.length).toBeGreaterThanOrEqual(written.length);
  });

  it('the stages and the pure shared folders use no clock, no randomness, no environment and no network', () => {
    const pure = Object.entries(LAYERS).flatMap(([name, layer]) =>
      WITH_EFFECTS.has(name) ? [] : filesOf(layer),
    );
    expect(pure.length).toBeGreaterThan(70);
    expect(pure.flatMap(([file, source]) => impurities(file, source))).toEqual([]);
  });

  it('no deployed code and no command scans a table', () => {
    const product = [...sources].filter(([file]) => /^(bin|functions|lib)\//.test(file));
    expect(product.some(([, source]) => source.includes('new QueryCommand('))).toBe(true);
    expect(product.flatMap(([file, source]) => scans(file, source))).toEqual([]);
  });

  it('imports form no cycle, not even imports of types', () => {
    const imports = new Map(
      [...sources, ...tests].map(([file, source]) => [
        file,
        importsOf(file, source).map(({ target }) => target),
      ]),
    );
    expect(imports.size).toBeGreaterThan(500);
    expect(cycles(imports)).toEqual([]);
  });

  it('no folder contains more than twenty files', () => {
    const folders = new Map<string, number>();
    for (const file of [...sources.keys(), ...tests.keys()])
      folders.set(posix.dirname(file), (folders.get(posix.dirname(file)) ?? 0) + 1);
    expect(folders.size).toBeGreaterThan(50);
    expect([...folders].filter(([, files]) => files > MAX_FILES_IN_A_FOLDER)).toEqual([]);
  });

  it('no file or folder has a meaningless name', () => {
    expect(entries.length).toBeGreaterThan(50);
    const meaningless = entries.filter((path) => MEANINGLESS.test(posix.basename(path).split('.')[0] ?? ''));
    expect(meaningless).toEqual([]);
  });
});

/**
 * The files of a project share a process, which imports each module once. A hook in a module would run for only one of
 * them.
 */
const HOOK_AT_IMPORT = /^(before|after)(All|Each)\(/m;
const IMPORTED_FOR_EACH_FILE = 'test/mutation/vitest-setup.ts'; // by vitest, as a set-up file

describe('the tests', () => {
  it('have no hook that a module registers when it is imported', () => {
    const modules = [...tests].filter(
      ([file]) => !file.endsWith('.test.ts') && file !== IMPORTED_FOR_EACH_FILE,
    );
    expect(modules.length).toBeGreaterThan(100);
    expect(modules.filter(([, source]) => HOOK_AT_IMPORT.test(source)).map(([file]) => file)).toEqual([]);
    expect(HOOK_AT_IMPORT.test("import { it } from 'vitest';\nafterAll(() => {});\n")).toBe(true);
  });
});

describe('the rule finds', () => {
  it.each([
    ['functions/shared/contract/events.ts', "import { a } from '../domain/job.ts';"],
    ['functions/shared/domain/job.ts', "import type { a } from '../ports/ports.ts';"],
    ['functions/shared/domain/job.ts', "import { readFile } from 'node:fs/promises';"],
    ['functions/shared/domain/job.ts', "import type { a } from '@aws-sdk/client-s3';"],
    ['functions/shared/domain/job.ts', "import {\n  a,\n  b,\n} from 'aws-lambda';"],
    ['functions/shared/ports/ports.ts', "import type { a } from '../lifecycle/lease.ts';"],
    ['functions/shared/part-rows/lines.ts', "import { a } from '../request-file/plan-parts.ts';"],
    ['functions/shared/request-file/plan-parts.ts', "import { a } from '../lifecycle/lease.ts';"],
    ['functions/shared/scanner/line-scanner.ts', "import { a } from '../part-rows/lines.ts';"],
    ['functions/shared/scanner/line-scanner.ts', "import { readFileSync } from 'node:fs';"],
    ['functions/shared/scanner/scanner-bytes.ts', "import { a } from '../domain/job.ts';"],
    ['functions/shared/lifecycle/lease.ts', "import { a } from '../adapters/lambda/system-clock.ts';"],
    ['functions/shared/lifecycle/lease.ts', "import { a } from '../../poll/reconcile.ts';"],
    ['functions/shared/adapters/openai/batch-api.ts', "import OpenAI from 'openai';"],
    ['functions/shared/adapters/s3/object.ts', "import { SignatureV4 } from '@smithy/signature-v4';"],
    [
      'functions/shared/adapters/dynamodb/signed-table-calls.ts',
      "import { DynamoDBClient } from '@aws-sdk/client-dynamodb';",
    ],
    ['functions/shared/adapters/s3/object.ts', "import { a } from '../../lifecycle/publish.ts';"],
    ['functions/shared/adapters/s3/object.ts', "export * from '../../../intake/handler.ts';"],
    ['functions/shared/adapters/s3/object.ts', "const s3 = await import('aws-cdk-lib/aws-s3');"],
    ['functions/intake/handler.ts', "import { a } from '../shared/adapters/s3/object.ts';"],
    ['functions/intake/handler.ts', "import { a } from '../submit/submit-part.ts';"],
    ['functions/deliver/part/deliver-part.ts', "import type { a } from '../../poll/reconcile.ts';"],
    ['functions/intake/handler.ts', "import 'node:fs';"],
    ['functions/intake/env.ts', "import type { a } from '../shared/domain/job.ts';"],
    ['lib/stages/intake.ts', "import { IntakeEnv } from '../../functions/intake/env.ts';"],
    ['lib/stages/intake.ts', "import { type IntakeEnv } from '../../functions/intake/env.ts';"],
    ['lib/stages/intake.ts', "import type { Job } from '../../functions/shared/domain/job.ts';"],
    ['lib/stages/intake.ts', "import { bundle } from '../bundling/bundle.ts';"],
    ['local/runtime/runtime.ts', "import type { a } from '../../functions/shared/domain/job.ts';"],
    ['local/runtime/runtime.ts', "import { a } from 'aws-cdk-lib';"],
    ['bin/commands/local/up.ts', "import { handler } from '../../../functions/intake/index.ts';"],
    ['console/main.tsx', "import { jobIdOf } from '../functions/shared/domain/job-id.ts';"],
    ['console/main.tsx', "import { readFileSync } from 'node:fs';"],
    ['bin/console/routes.ts', "import { page } from '../../console/main.tsx';"],
    ['bin/jobs/find-job.ts', "import { QueryCommand } from '@aws-sdk/client-dynamodb';"],
    [
      'bin/jobs/find-job.ts',
      "import { itemIn } from '../../functions/shared/adapters/dynamodb/ledger-attributes.ts';",
    ],
    ['functions/audit/handler.ts', ''],
  ])('in %s: %s', (file, source) => {
    expect(forbiddenImports(file, source)).toHaveLength(1);
  });

  it('cycles of two and of three files, and no others', () => {
    const around = new Map([
      ['a', ['b']],
      ['b', ['c', 'd']],
      ['c', ['a']],
      ['d', ['e', 'node:fs']],
      ['e', ['d']],
      ['f', ['a']],
    ]);
    expect(cycles(around)).toEqual([
      ['a', 'b', 'c'],
      ['d', 'e'],
    ]);
  });

  it.each(['paginateScan({ client }, input)', 'new ScanCommand(input)', "actions: ['dynamodb:Scan']"])(
    '%s',
    (code) => expect(scans('bin/jobs/find-job.ts', code)).toHaveLength(1),
  );

  it.each(['Date.now()', 'new Date()', 'randomUUID()', 'process.env.X', 'console.log(1)', "fetch('x')"])(
    '%s',
    (code) => {
      expect(impurities('core.ts', `const now = ${code};`)).toHaveLength(1);
    },
  );

  it('nothing in allowed code', () => {
    expect(
      forbiddenImports(
        'lib/stages/intake.ts',
        "import type { IntakeEnv } from '../../functions/intake/env.ts';",
      ),
    ).toEqual([]);
    expect(
      forbiddenImports(
        'functions/shared/domain/job.ts',
        "// import { a } from 'aws-sdk';\nimport { a } from './part.ts';",
      ),
    ).toEqual([]);
    expect(impurities('core.ts', '/* not Date.now() */ new Date(time).toISOString()')).toEqual([]);
  });
});
