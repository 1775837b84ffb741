import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { METRIC_UNITS } from '../../functions/shared/contract/metrics.ts';
import { synthesize } from './synthesis.ts';
import { at, resources } from './template-reading.ts';

const page = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');

/** Returns the text under each heading of one depth, up to the next heading of that depth or above. */
function sections(text: string, depth: number): Map<string, string> {
  const pieces = text.split(new RegExp(`^#{${depth}} `, 'm')).slice(1);
  return new Map(
    pieces.map((piece) => {
      const [heading = '', ...rest] = piece.split('\n');
      return [heading, rest.join('\n').split(new RegExp(`^#{1,${depth}} `, 'm'))[0] ?? ''];
    }),
  );
}

const runbook = sections(sections(page, 2).get('Alarms') ?? '', 3);
const alarms = resources(synthesize({ webhook: {}, budget: { perDay: 10 } }), 'AWS::CloudWatch::Alarm').map(
  ({ id, Properties }) => ({
    name: id.replace(/^Alarms/, ''),
    description: String(at(Properties, 'AlarmDescription')),
  }),
);

describe('docs/operations.md', () => {
  it('has one section for each alarm', () => {
    expect(alarms.length).toBeGreaterThan(20);
    expect([...runbook.keys()].sort()).toEqual(alarms.map(({ name }) => name).sort());
  });

  it.each(alarms)('gives the meaning, impact, check, fix and redrive of $name', ({ name }) => {
    for (const label of ['Meaning', 'Impact', 'Check', 'Fix', 'Redrive'])
      expect(runbook.get(name), label).toMatch(new RegExp(`^- \\*\\*${label}:\\*\\* \\S.{10}`, 'm'));
  });

  it.each(alarms)('has the section that the description of $name names', ({ name, description }) => {
    const [, file = '', anchor] = /What to do: (\S+)#(\S+)$/.exec(description) ?? [];
    expect(existsSync(new URL(`../../${file}`, import.meta.url))).toBe(true);
    expect(anchor).toBe(name.toLowerCase());
  });

  it('lists every metric', () => {
    const table = sections(page, 2).get('Metrics') ?? '';
    const cells = [...table.matchAll(/^\| (`.*?) \|/gm)].map(([, names = '']) => names);
    const named = cells.flatMap((names) => [...names.matchAll(/`(\w+)`/g)].map(([, name = '']) => name));
    expect(named.sort()).toEqual(Object.keys(METRIC_UNITS).sort());
  });

  it('has no broken link to a section', () => {
    const anchors = [...page.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\w -]/g, '')
        .replaceAll(' ', '-'),
    );
    const links = [...page.matchAll(/\]\(#([\w-]+)\)/g)].map(([, anchor = '']) => anchor);
    expect(links.length).toBeGreaterThan(5);
    expect(links.filter((anchor) => !anchors.includes(anchor))).toEqual([]);
  });
});
