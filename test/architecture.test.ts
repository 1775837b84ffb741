import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

/** What one room of the house holds and what its files may import: paths from the project's root, and package names. */
interface Room {
  holds: RegExp;
  sees: RegExp[];
  /** Seen with `import type` only: nothing of it runs here. */
  seesTypes?: RegExp[];
  /** Of what it sees, this not. */
  seesNot?: RegExp;
}

const PURE_NODE = /^node:(crypto|buffer|util|assert|zlib)$/;
const NODE = /^node:/;
const shared = (folder: string) => new RegExp(`^functions/shared/${folder}/`);
const CONTRACT = shared('contract');
const DOMAIN = shared('domain');
const PORTS = shared('ports');
const PART_ROWS = shared('part-rows');
const REQUEST_FILE = shared('request-file');
const LIFECYCLE = shared('lifecycle');
const ADAPTERS = shared('adapters');
const BASE = [CONTRACT, DOMAIN, PORTS, PURE_NODE];
const SDK = /^@aws-sdk\/|^@aws-lambda-powertools\/metrics$/;
const CDK = /^aws-cdk-lib(\/|$)|^constructs$/;
const DYNAMODB = /^@aws-sdk\/client-dynamodb$/;
const PACKAGE_BUT_CDK = /^(?!aws-cdk-lib|constructs|node:|(bin|lib|functions|local|test)\/)[@a-z][\w@/.-]*$/;
const STAGES = ['intake', 'submit', 'poll', 'deliver', 'cancel'];

/** A stage sees itself and what is shared, never another stage, and of the outside world only the ports. */
const stages = Object.fromEntries(
  STAGES.map((stage): [string, Room] => [
    `stage ${stage}`,
    {
      holds: new RegExp(`^functions/${stage}/(?!(index|env)\\.ts$)`),
      sees: [
        new RegExp(`^functions/${stage}/(?!(index|env)\\.ts$)`),
        ...BASE,
        PART_ROWS,
        REQUEST_FILE,
        LIFECYCLE,
      ],
    },
  ]),
);

/** The first whose `holds` fits a file is its room. */
const ROOMS: Record<string, Room> = {
  contract: { holds: CONTRACT, sees: [CONTRACT] },
  domain: { holds: DOMAIN, sees: [DOMAIN, CONTRACT, PURE_NODE] },
  ports: { holds: PORTS, sees: [PORTS, DOMAIN, CONTRACT] },
  'part-rows': { holds: PART_ROWS, sees: [PART_ROWS, ...BASE] },
  'request-file': { holds: REQUEST_FILE, sees: [REQUEST_FILE, PART_ROWS, ...BASE] },
  lifecycle: { holds: LIFECYCLE, sees: [LIFECYCLE, PART_ROWS, ...BASE] },
  adapters: {
    holds: ADAPTERS,
    sees: [ADAPTERS, PORTS, DOMAIN, CONTRACT, NODE, SDK],
    seesTypes: [/^openai(\/|$)/, /^aws-lambda$/],
  },
  environments: { holds: /^functions\/[a-z]+\/env\.ts$/, sees: [] },
  ...stages,
  'composition roots': {
    holds: /^functions\/[a-z]+\/index\.ts$/,
    sees: [/^functions\/[a-z]+\/(handler|env)\.ts$/, ADAPTERS, PORTS, DOMAIN, CONTRACT, NODE, SDK],
    seesTypes: [/^aws-lambda$/],
  },
  bundling: {
    holds: /^lib\/bundling\//,
    sees: [/^lib\/(bundling|stages\/function-bundles)/, NODE, /^esbuild$/],
  },
  constructs: {
    holds: /^lib\//,
    sees: [/^lib\/(?!bundling\/)/, CONTRACT, CDK, NODE],
    seesTypes: [/^functions\/[a-z]+\/env\.ts$/],
  },
  runtime: { holds: /^local\//, sees: [/^local\//, CONTRACT, NODE, PACKAGE_BUT_CDK] },
  // The CLI asks the ledger by its ports: of the table it knows nothing.
  commands: {
    holds: /^bin\//,
    sees: [
      /^(bin|lib|local|functions\/shared(?!\/adapters\/dynamodb))\//,
      /^functions\/shared\/adapters\/dynamodb\/open-ledger\.ts$/,
      /^(cdk|package)\.json$/,
      ...[CDK, NODE, PACKAGE_BUT_CDK],
    ],
    seesNot: DYNAMODB,
  },
};

const IMPURE =
  /\b(Date\.now|new Date\(\s*\)|randomUUID|randomBytes|Math\.random|performance\.|process\.|console\.|fetch\(|setTimeout|setInterval|globalThis)/g;
const WITH_EFFECTS = new Set([
  'adapters',
  'environments',
  'composition roots',
  'bundling',
  'constructs',
  'runtime',
  'commands',
]);
/** Ways to read a whole table. */
const SCANS = /\b(ScanCommand|paginateScan|dynamodb:Scan|ExecuteStatementCommand)\b/g;
const MAX_FILES_IN_A_FOLDER = 20;
const SAYS_NOTHING = /^(utils?|helpers?|common|types|misc|managers?|services?)$/;
const PROJECT = fileURLToPath(new URL('../', import.meta.url));

interface Import {
  target: string;
  typeOnly: boolean;
}

/** Comments may say anything. (A `//` inside of a string cuts its line short, too, which hides no import.) */
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

function trespasses(file: string, source: string): string[] {
  const room = roomOf(file);
  if (room === undefined) return [`${file} is in no room`];
  const forbidden = importsOf(file, source).filter(({ target, typeOnly }) => {
    const seen = typeOnly ? [...room.sees, ...(room.seesTypes ?? [])] : room.sees;
    return room.seesNot?.test(target) || !seen.some((pattern) => pattern.test(target));
  });
  return forbidden.map(({ target }) => `${file} imports ${target}`);
}

/** Groups of files each of which reaches every other by imports. */
function circles(imports: ReadonlyMap<string, readonly string[]>): string[][] {
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

const entries = ['bin', 'lib', 'functions', 'local', 'test'].flatMap((top) =>
  readdirSync(PROJECT + top, { recursive: true, encoding: 'utf8' }).map((path) => posix.join(top, path)),
);
const read = (wanted: (path: string) => boolean) =>
  new Map(
    entries
      .filter((path) => path.endsWith('.ts') && wanted(path))
      .map((path) => [path, readFileSync(PROJECT + path, 'utf8')]),
  );
const sources = read((path) => !path.startsWith('test/'));
const tests = read((path) => path.startsWith('test/'));
const roomOf = (file: string) => Object.values(ROOMS).find(({ holds }) => holds.test(file));
const filesOf = (room: Room) => [...sources].filter(([file]) => roomOf(file) === room);

describe('the rooms of the house', () => {
  it.each(Object.entries(ROOMS))('%s import only what they may see', (_, room) => {
    const files = filesOf(room);
    expect(files.length).toBeGreaterThan(0); // a check that examined nothing must fail
    expect(files.flatMap(([file, source]) => trespasses(file, source))).toEqual([]);
  });

  it('hold every source file', () => {
    expect([...sources.keys()].filter((file) => roomOf(file) === undefined)).toEqual([]);
  });

  it('are read with their imports: as many as `from` says', () => {
    const found = [...sources].flatMap(([file, source]) => importsOf(file, source));
    const written = [...sources.values()].join('\n').match(/^(import|export|\}) .*\bfrom '/gm) ?? [];
    expect(written.length).toBeGreaterThan(50);
    expect(found.length).toBeGreaterThanOrEqual(written.length);
  });

  it('the stages and what they share know no clock, no chance, no environment and no network', () => {
    const pure = Object.entries(ROOMS).flatMap(([name, room]) =>
      WITH_EFFECTS.has(name) ? [] : filesOf(room),
    );
    expect(pure.length).toBeGreaterThan(70);
    expect(pure.flatMap(([file, source]) => impurities(file, source))).toEqual([]);
  });

  it('nothing that is deployed or run by users scans a table', () => {
    const product = [...sources].filter(([file]) => /^(bin|functions|lib)\//.test(file));
    expect(product.some(([, source]) => source.includes('new QueryCommand('))).toBe(true);
    expect(product.flatMap(([file, source]) => scans(file, source))).toEqual([]);
  });

  it('no import goes round in a circle, not even one of types', () => {
    const imports = new Map(
      [...sources, ...tests].map(([file, source]) => [
        file,
        importsOf(file, source).map(({ target }) => target),
      ]),
    );
    expect(imports.size).toBeGreaterThan(500);
    expect(circles(imports)).toEqual([]);
  });

  it('no folder holds more than twenty files', () => {
    const folders = new Map<string, number>();
    for (const file of [...sources.keys(), ...tests.keys()])
      folders.set(posix.dirname(file), (folders.get(posix.dirname(file)) ?? 0) + 1);
    expect(folders.size).toBeGreaterThan(50);
    expect([...folders].filter(([, files]) => files > MAX_FILES_IN_A_FOLDER)).toEqual([]);
  });

  it('no file or folder has a name that says nothing', () => {
    expect(entries.length).toBeGreaterThan(50);
    const nameless = entries.filter((path) => SAYS_NOTHING.test(posix.basename(path).split('.')[0] ?? ''));
    expect(nameless).toEqual([]);
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
    ['functions/shared/lifecycle/lease.ts', "import { a } from '../adapters/lambda/system-clock.ts';"],
    ['functions/shared/lifecycle/lease.ts', "import { a } from '../../poll/reconcile.ts';"],
    ['functions/shared/adapters/openai/batch-api.ts', "import OpenAI from 'openai';"],
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
    ['bin/jobs/find-job.ts', "import { QueryCommand } from '@aws-sdk/client-dynamodb';"],
    [
      'bin/jobs/find-job.ts',
      "import { itemIn } from '../../functions/shared/adapters/dynamodb/ledger-attributes.ts';",
    ],
    ['functions/audit/handler.ts', ''],
  ])('in %s: %s', (file, source) => {
    expect(trespasses(file, source)).toHaveLength(1);
  });

  it('a circle of two, of three, and none where there is none', () => {
    const around = new Map([
      ['a', ['b']],
      ['b', ['c', 'd']],
      ['c', ['a']],
      ['d', ['e', 'node:fs']],
      ['e', ['d']],
      ['f', ['a']],
    ]);
    expect(circles(around)).toEqual([
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

  it('nothing in what is allowed', () => {
    expect(
      trespasses('lib/stages/intake.ts', "import type { IntakeEnv } from '../../functions/intake/env.ts';"),
    ).toEqual([]);
    expect(
      trespasses(
        'functions/shared/domain/job.ts',
        "// import { a } from 'aws-sdk';\nimport { a } from './part.ts';",
      ),
    ).toEqual([]);
    expect(impurities('core.ts', '/* not Date.now() */ new Date(time).toISOString()')).toEqual([]);
  });
});
