import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { helpOf, pageOf } from './cli-page.ts';

const page = readFileSync(new URL('../../../docs/cli.md', import.meta.url), 'utf8');
const prose = readFileSync(new URL('cli-page.md', import.meta.url), 'utf8');
const blocks = [...page.matchAll(/```text\n([\s\S]*?)\n```/g)].map(([, text = '']) => text);

describe('docs/cli.md', () => {
  it('contains the current help text of every command (if not: npm run docs:cli)', async () => {
    const commands = [...(await helpOf()).matchAll(/^ {2}([a-z]+) {2,}[A-Z]/gm)].map(([, name = '']) => name);
    expect(commands.length).toBeGreaterThan(10);
    const pages = [undefined, ...commands.filter((name) => name !== 'help')];
    for (const help of await Promise.all(pages.map(helpOf))) expect(blocks).toContain(help);
  });

  it('contains the current prose, and a capture of each command at 80 columns', async () => {
    const captures = blocks.filter((block) => block.startsWith('$ npx batchdrop '));
    expect(captures.length).toBeGreaterThanOrEqual(9);
    expect(
      captures
        .join('\n')
        .split('\n')
        .filter((line) => line.length > 80),
    ).toEqual([]);
    const names = [...prose.matchAll(/\{\{capture ([\w-]+)\}\}/g)].map(([, name = '']) => name);
    const filled = await pageOf(prose, new Map(names.map((name, nth) => [name, captures[nth] ?? ''])));
    expect(page).toBe(filled);
  });
});
