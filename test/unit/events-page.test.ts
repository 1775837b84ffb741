import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { eventsPage } from '../../docs/write-events.ts';

it('docs/events.md is what the contract says; else run `npm run docs:events`', () => {
  expect(readFileSync('docs/events.md', 'utf8')).toBe(eventsPage());
});
