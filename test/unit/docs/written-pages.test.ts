import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { monthTotals } from '../../../docs/cost-arithmetic.ts';
import { apiPage } from '../../../docs/write-api.ts';
import { costsPage } from '../../../docs/write-costs.ts';
import { asyncApiFile, eventsPage } from '../../../docs/write-events.ts';
import { flowPicture } from '../../../docs/write-flow.ts';
import packageJson from '../../../package.json' with { type: 'json' };
import counted from '../../bench/calls/counted-calls.json' with { type: 'json' };

it('docs/api.md matches the docstrings (to update it: `npm run docs:api`)', () => {
  expect(readFileSync('docs/api.md', 'utf8')).toBe(apiPage());
});

it('docs/events.md matches the contract (to update it: `npm run docs:events`)', () => {
  expect(readFileSync('docs/events.md', 'utf8')).toBe(eventsPage());
});

it('docs/events.asyncapi.json matches the contract (to update it: `npm run docs:events`)', () => {
  expect(readFileSync('docs/events.asyncapi.json', 'utf8')).toBe(asyncApiFile());
});

it('docs/flow.svg matches docs/write-flow.ts (to update it: `npm run docs:flow`)', () => {
  expect(readFileSync('docs/flow.svg', 'utf8')).toBe(flowPicture());
});

it('docs/costs.md matches the counted calls (to update it: `npm run docs:costs`)', () => {
  const page = readFileSync('docs/costs.md', 'utf8');
  expect(page).toBe(costsPage(page));
});

it('README.md has the totals of docs/costs.md', () => {
  const page = readFileSync('README.md', 'utf8');
  const totals = monthTotals(counted);
  expect(totals).toHaveLength(3);
  for (const { batches, dollars } of totals) expect(page).toContain(`| ${batches} | ${dollars} |`);
});

it('README.md has badges that are true', () => {
  const page = readFileSync('README.md', 'utf8');
  const badges = [
    ...page.matchAll(/^\[!\[([^\]]+)\]\(https:\/\/img\.shields\.io\/badge\/([^)]+)\)\]\(([^)]+)\)$/gm),
  ];
  const said = new Map(badges.map(([, text = '', image = '', link = '']) => [text, { image, link }]));
  const { license, engines } = packageJson;
  const node = engines.node.replace('>=', '');
  const { asyncapi } = JSON.parse(asyncApiFile());
  for (const [text, value] of [
    [`License: ${license}`, `license-${license}-`],
    [`Node: ${node} or newer`, `node-${encodeURIComponent('≥')}${node}-`],
    [`AsyncAPI: ${asyncapi}`, `asyncapi-${asyncapi}-`],
  ] as const)
    expect(said.get(text)?.image, text).toContain(value);
  // The day on which somebody runs it there, this badge goes.
  const isUntried = page.includes('**Nobody has run Batchdrop against real AWS');
  expect(said.has('Status: not yet run against real AWS')).toBe(isUntried);
  expect(said.size).toBe(isUntried ? 4 : 3);
});
