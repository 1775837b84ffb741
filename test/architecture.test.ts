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
}

const PURE_NODE = /^node:(crypto|buffer|util|assert|zlib)$/;
const NODE = /^node:/;
const CONTRACT = /^functions\/shared\/contract\//;
const CORE = /^functions\/shared\/core\//;
const ADAPTERS = /^functions\/shared\/adapters\//;
const SDK = /^@aws-sdk\/|^@aws-lambda-powertools\/metrics$/;
const CDK = /^aws-cdk-lib(\/|$)|^constructs$/;
const PACKAGE_BUT_CDK = /^(?!aws-cdk-lib|constructs|node:|(bin|lib|functions|local|test)\/)[@a-z][\w@/.-]*$/;

const ROOMS: Record<string, Room> = {
  contract: { holds: CONTRACT, sees: [CONTRACT] },
  core: { holds: CORE, sees: [CORE, CONTRACT, PURE_NODE] },
  adapters: {
    holds: ADAPTERS,
    sees: [ADAPTERS, CORE, CONTRACT, NODE, SDK],
    seesTypes: [/^openai(\/|$)/, /^aws-lambda$/],
  },
  environments: { holds: /^functions\/[a-z]+\/env\.ts$/, sees: [] },
  handlers: { holds: /^functions\/[a-z]+\/handler\.ts$/, sees: [CORE, CONTRACT] },
  functions: {
    holds: /^functions\/[a-z]+\/index\.ts$/,
    sees: [/^functions\/[a-z]+\/(handler|env)\.ts$/, ADAPTERS, CORE, CONTRACT, NODE, SDK],
    seesTypes: [/^aws-lambda$/],
  },
  constructs: {
    holds: /^lib\//,
    sees: [/^lib\//, CONTRACT, CDK, NODE, /^esbuild$/],
    seesTypes: [/^functions\/[a-z]+\/env\.ts$/],
  },
  runtime: { holds: /^local\//, sees: [/^local\//, NODE, PACKAGE_BUT_CDK] },
  commands: {
    holds: /^bin\//,
    sees: [/^(bin|lib|local|functions\/shared)\//, /^(cdk|package)\.json$/, CDK, NODE, PACKAGE_BUT_CDK],
  },
};

const IMPURE =
  /\b(Date\.now|new Date\(\s*\)|randomUUID|randomBytes|Math\.random|performance\.|process\.|console\.|fetch\(|setTimeout|setInterval|globalThis)/g;
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
  const room = Object.values(ROOMS).find(({ holds }) => holds.test(file));
  if (room === undefined) return [`${file} is in no room`];
  const forbidden = importsOf(file, source).filter(({ target, typeOnly }) => {
    const seen = typeOnly ? [...room.sees, ...(room.seesTypes ?? [])] : room.sees;
    return !seen.some((pattern) => pattern.test(target));
  });
  return forbidden.map(({ target }) => `${file} imports ${target}`);
}

function impurities(file: string, source: string): string[] {
  return [...withoutComments(source).matchAll(IMPURE)].map(([found]) => `${file} uses ${found}`);
}

const entries = ['bin', 'lib', 'functions', 'local', 'test'].flatMap((top) =>
  readdirSync(PROJECT + top, { recursive: true, encoding: 'utf8' }).map((path) => posix.join(top, path)),
);
const sources = new Map(
  entries
    .filter((path) => path.endsWith('.ts') && !path.startsWith('test/'))
    .map((path) => [path, readFileSync(PROJECT + path, 'utf8')]),
);
const filesOf = ({ holds }: Room) => [...sources].filter(([file]) => holds.test(file));

describe('the rooms of the house', () => {
  it.each(Object.entries(ROOMS))('%s import only what they may see', (_, room) => {
    const files = filesOf(room);
    expect(files.length).toBeGreaterThan(0); // a check that examined nothing must fail
    expect(files.flatMap(([file, source]) => trespasses(file, source))).toEqual([]);
  });

  it('hold every source file', () => {
    expect(
      [...sources.keys()].filter((file) => !Object.values(ROOMS).some(({ holds }) => holds.test(file))),
    ).toEqual([]);
  });

  it('are read with their imports: as many as `from` says', () => {
    const found = [...sources].flatMap(([file, source]) => importsOf(file, source));
    const written = [...sources.values()].join('\n').match(/^(import|export|\}) .*\bfrom '/gm) ?? [];
    expect(written.length).toBeGreaterThan(50);
    expect(found.length).toBeGreaterThanOrEqual(written.length);
  });

  it('core knows no clock, no chance, no environment and no network', () => {
    const core = Object.entries(ROOMS).flatMap(([name, room]) =>
      name === 'core' || name === 'contract' ? filesOf(room) : [],
    );
    expect(core.length).toBeGreaterThan(0);
    expect(core.flatMap(([file, source]) => impurities(file, source))).toEqual([]);
  });

  it('no file or folder has a name that says nothing', () => {
    expect(entries.length).toBeGreaterThan(50);
    const nameless = entries.filter((path) => SAYS_NOTHING.test(posix.basename(path).split('.')[0] ?? ''));
    expect(nameless).toEqual([]);
  });
});

describe('the rule finds', () => {
  it.each([
    ['functions/shared/contract/events.ts', "import { a } from '../core/job.ts';"],
    ['functions/shared/core/job.ts', "import { a } from '../adapters/clock.ts';"],
    ['functions/shared/core/job.ts', "import { readFile } from 'node:fs/promises';"],
    ['functions/shared/core/job.ts', "import type { a } from '@aws-sdk/client-s3';"],
    ['functions/shared/core/job.ts', "import {\n  a,\n  b,\n} from 'aws-lambda';"],
    ['functions/shared/adapters/openai-api.ts', "import OpenAI from 'openai';"],
    ['functions/shared/adapters/s3.ts', "export * from '../../intake/handler.ts';"],
    ['functions/shared/adapters/s3.ts', "const s3 = await import('aws-cdk-lib/aws-s3');"],
    ['functions/intake/handler.ts', "import { a } from '../shared/adapters/s3.ts';"],
    ['functions/intake/handler.ts', "import 'node:fs';"],
    ['functions/intake/env.ts', "import type { a } from '../shared/core/job.ts';"],
    ['lib/intake.ts', "import { IntakeEnv } from '../functions/intake/env.ts';"],
    ['lib/intake.ts', "import { type IntakeEnv } from '../functions/intake/env.ts';"],
    ['lib/intake.ts', "import type { Job } from '../functions/shared/core/job.ts';"],
    ['local/runtime/runtime.ts', "import type { a } from '../../functions/shared/contract/events.ts';"],
    ['local/runtime/runtime.ts', "import { a } from 'aws-cdk-lib';"],
    ['bin/commands/up.ts', "import { handler } from '../../functions/intake/index.ts';"],
    ['functions/intake/extra.ts', ''],
  ])('in %s: %s', (file, source) => {
    expect(trespasses(file, source)).toHaveLength(1);
  });

  it.each(['Date.now()', 'new Date()', 'randomUUID()', 'process.env.X', 'console.log(1)', "fetch('x')"])(
    '%s',
    (code) => {
      expect(impurities('core.ts', `const now = ${code};`)).toHaveLength(1);
    },
  );

  it('nothing in what is allowed', () => {
    expect(
      trespasses('lib/intake.ts', "import type { IntakeEnv } from '../functions/intake/env.ts';"),
    ).toEqual([]);
    expect(
      trespasses(
        'functions/shared/core/job.ts',
        "// import { a } from 'aws-sdk';\nimport { a } from './part.ts';",
      ),
    ).toEqual([]);
    expect(impurities('core.ts', '/* not Date.now() */ new Date(time).toISOString()')).toEqual([]);
  });
});
