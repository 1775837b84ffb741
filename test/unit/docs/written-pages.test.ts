import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { eventsPage } from '../../../docs/write-events.ts';
import { flowPicture } from '../../../docs/write-flow.ts';

it('docs/events.md is what the contract says; else run `npm run docs:events`', () => {
  expect(readFileSync('docs/events.md', 'utf8')).toBe(eventsPage());
});

it('docs/flow.svg is what docs/write-flow.ts draws; else run `npm run docs:flow`', () => {
  expect(readFileSync('docs/flow.svg', 'utf8')).toBe(flowPicture());
});
