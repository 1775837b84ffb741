/**
 * `npm run docs:pictures` takes the pictures of the console for the README: real jobs on the runtime of this machine, in
 * the Chromium of the tests. It takes five minutes.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { connectionTo } from '../bin/connection/connection.ts';
import { startConsole } from '../bin/console/console-server.ts';
import { openBrowser } from '../test/browser/browser.ts';
import { reviewsToClassify } from './pictures/request-files.ts';
import { makeSampleJobs, type SampleJobs } from './pictures/sample-jobs.ts';
import { smallPng } from './pictures/small-png.ts';

const FOLDER = fileURLToPath(new URL('img/', import.meta.url));
const WIDE = { width: 1_280, height: 860 };
const NARROW = { width: 400, height: 800 };
const SCHEMES = ['light', 'dark'] as const;

interface Picture {
  readonly name: string;
  readonly address: (jobs: SampleJobs) => string;
  /** What is there once the page is whole. */
  readonly shows: string;
  readonly height?: number;
  readonly isAlsoNarrow?: boolean;
  readonly prepare?: (page: Page) => Promise<void>;
}

const PICTURES: readonly Picture[] = [
  { name: 'jobs', address: () => '#/jobs', shows: '.jobs tbody tr', isAlsoNarrow: true },
  {
    name: 'job',
    address: ({ withFailures }) => `#/jobs/${withFailures}`,
    shows: '.sample',
    height: 1_180,
    isAlsoNarrow: true,
  },
  {
    name: 'overview',
    address: () => '#/overview',
    shows: '.overview:has(canvas):has(.checks li)',
    height: 1_480,
  },
  { name: 'drop', address: () => '#/drop', shows: '.send', height: 560, prepare: chooseFile },
];

async function chooseFile(page: Page): Promise<void> {
  const buffer = Buffer.from(reviewsToClassify({ rows: 3_000, model: 'gpt-5-mini', salt: 'new' }));
  await page.setInputFiles('input[type=file]', {
    name: 'reviews-december.jsonl',
    mimeType: 'application/jsonl',
    buffer,
  });
}

const jobs = await makeSampleJobs();
const running = await startConsole({
  port: 0,
  connect: async (onCall) => connectionTo(jobs.endpoints, undefined, onCall),
});
const chromium = await openBrowser({ hosts: [] });
await untilOneRuns(chromium.browser);
mkdirSync(FOLDER, { recursive: true });
for (const picture of PICTURES) {
  for (const scheme of SCHEMES) await take(picture, scheme, WIDE, chromium.browser);
  if (picture.isAlsoNarrow) await take(picture, 'light', NARROW, chromium.browser);
}
await chromium.close();
await running.close();
await jobs.close();

/** A picture of jobs shows one that is on its way. */
async function untilOneRuns(browser: Browser): Promise<void> {
  const page = await browser.newPage();
  await page.goto(running.url);
  const share = page.locator('.bar-and-share:has(.running) .share').filter({ hasText: /^[1-9]\d? %$/ });
  await share.first().waitFor({ timeout: 600_000 });
  await page.close();
}

async function take(
  { name, address, shows, height, prepare }: Picture,
  colorScheme: (typeof SCHEMES)[number],
  size: typeof WIDE,
  browser: Browser,
): Promise<void> {
  const isNarrow = size === NARROW;
  const viewport = isNarrow ? size : { ...size, ...(height !== undefined && { height }) };
  const context = await browser.newContext({
    viewport,
    colorScheme,
    reducedMotion: 'reduce',
    timezoneId: 'UTC',
  });
  const page = await context.newPage();
  await page.goto(running.url);
  await page.waitForSelector('.jobs tbody tr');
  await page.evaluate(`location.hash = '${address(jobs)}'`);
  await prepare?.(page);
  await page.waitForSelector(shows);
  const file = `console-${name}${isNarrow ? '-narrow' : ''}-${colorScheme}.png`;
  writeFileSync(join(FOLDER, file), smallPng(await page.screenshot()));
  console.log(`docs/img/${file}`);
  await context.close();
}
