import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { expect, test } from 'vitest';

/** The pages for readers, without installed and generated pages and the template of docs/cli.md. */
const PAGES = globSync('**/*.md', {
  exclude: [
    'node_modules/**',
    'test/integration/cli/cli-page.md',
    'dist/**',
    '**/cdk.out/**',
    'examples/**/node_modules/**',
  ],
});

/** The names of the commands: there is one file per command. */
const COMMANDS = new Set(globSync('bin/commands/*/*.ts').map((file) => basename(file, '.ts')));

interface Block {
  page: string;
  language: string;
  text: string;
}

const blocks: Block[] = PAGES.flatMap((page) =>
  [...readFileSync(page, 'utf8').matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(
    ([, language = '', text = '']) => ({
      page,
      language,
      text,
    }),
  ),
);

/** Returns a page without its code, which contains no links and no headings. */
const proseOf = (page: string) =>
  readFileSync(page, 'utf8')
    .replaceAll(/^```.*?^```$/gms, '')
    .replaceAll(/`[^`\n]*`/g, (code) => code.replaceAll(/[[\]()]/g, ''));

/** Returns the anchors that GitHub makes from the headings of a page. */
function anchorsOf(page: string): Set<string> {
  const headings = [...proseOf(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

test('links within the project and their anchors exist', () => {
  const broken: string[] = [];
  let examined = 0;
  for (const page of PAGES) {
    for (const [, link = ''] of proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(link)) continue;
      examined += 1;
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? page : join(dirname(page), path);
      if (!existsSync(target)) broken.push(`${page}: ${link} does not exist`);
      else if (anchor !== undefined && !anchorsOf(target).has(anchor))
        broken.push(`${page}: ${link} has no such heading`);
    }
  }
  expect(broken).toEqual([]);
  expect(examined).toBeGreaterThan(50);
});

test('every JSON block in the pages can be parsed', () => {
  const json = blocks.filter(({ language }) => language === 'json');
  for (const { page, text } of json) expect(() => JSON.parse(text), page).not.toThrow();
  expect(json.length).toBeGreaterThan(3);
});

test('commands in the pages exist', () => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8'));
  const shell = blocks.filter(({ language }) => language === 'sh').map(({ text }) => text);
  const prose = PAGES.map((page) => readFileSync(page, 'utf8'));
  const named = [...shell, ...prose].flatMap((text) =>
    [...text.matchAll(/\bnpm run (?:-s )?([a-z][\w:-]*)/g)].map(([, name = '']) => name),
  );
  expect(named.filter((name) => !Object.hasOwn(scripts, name))).toEqual([]);
  expect(new Set(named).size).toBeGreaterThan(10);
  const commands = [...shell, ...prose].flatMap((text) =>
    [...text.matchAll(/\bnpx batchdrop ([a-z]+)/g)].map(([, name = '']) => name),
  );
  expect(commands.filter((name) => !COMMANDS.has(name))).toEqual([]);
  expect(new Set(commands).size).toBeGreaterThan(5);
});

test('each page that says `npx batchdrop` says where to run it, or links to the page that does', () => {
  const WHERE = /npm registry|in an app|\]\([./]*(docs\/)?cli\.md\)/;
  const saying = PAGES.map((page) => ({ page, text: readFileSync(page, 'utf8') })).filter(({ text }) =>
    text.includes('npx batchdrop '),
  );
  expect(saying.filter(({ text }) => !WHERE.test(text)).map(({ page }) => page)).toEqual([]);
  expect(saying.length).toBeGreaterThan(5);
});

test('the first app in the README is part of examples/apps/minimal.ts, which other tests deploy', () => {
  const app = blocks.find(({ page, language }) => page === 'README.md' && language === 'ts');
  const lines = (app?.text ?? '').split('\n').filter((line) => line !== '');
  const example = readFileSync('examples/apps/minimal.ts', 'utf8').split('\n');
  expect(lines.filter((line) => !example.includes(line))).toEqual([]);
  expect(lines.length).toBeGreaterThanOrEqual(5);
});

test('the list of decisions names each of them, by its title', () => {
  const decisions = globSync('docs/adr/*.md').sort();
  expect(decisions.length).toBeGreaterThan(20);
  const lines = decisions.map((page) => {
    const [, title = ''] = /^# (.+)$/m.exec(readFileSync(page, 'utf8')) ?? [];
    return `- [${title}](adr/${basename(page)})`;
  });
  const [, list = ''] = readFileSync('docs/architecture.md', 'utf8').split('## Decisions\n\n');
  expect(list.trim().split('\n')).toEqual(lines);
});
