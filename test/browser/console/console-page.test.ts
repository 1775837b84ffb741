import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectionTo } from '../../../bin/connection/connection.ts';
import { startConsole } from '../../../bin/console/console-server.ts';
import { synthesizedStack } from '../../../bin/up/synthesis.ts';
import { chatRows } from '../../local/endpoint/chat-rows.ts';
import { RecordedRuntime } from '../../local/iam/recorded-runtime.ts';
import { CAN_RUN, type OpenBrowser, openBrowser } from '../browser.ts';
import { MadeUpConsole } from './made-up-console.ts';
import { madeUpJobs } from './made-up-jobs.ts';

/** On other machines, the browser package has no Chromium. CI must run this test. */
const where = CAN_RUN || process.env.CI !== undefined ? describe : describe.skip;

const AXE = readFileSync(new URL('../../../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
const MAX_WEIGHT = 100_000; // bytes, compressed
const SPEED = 480; // a small job takes a second

let chromium: OpenBrowser;
let runtime: RecordedRuntime;
let address: string;
const closing: (() => unknown)[] = [];

beforeAll(async () => {
  if (!CAN_RUN) return;
  runtime = await RecordedRuntime.start(await synthesizedStack(), { speed: SPEED });
  closing.push(() => runtime.close());
  const running = await startConsole({
    port: 0,
    refreshMs: 100,
    connect: async (onCall) => connectionTo(runtime.names, undefined, onCall),
  });
  closing.push(() => running.close());
  address = running.url;
  chromium = await openBrowser({ hosts: [] });
  closing.push(() => chromium.close());
}, 120_000);

afterAll(async () => {
  for (const close of closing.reverse()) await close();
});

/** Opens the console in a window of its own. `errors`: what the page threw, and what its policy forbade. */
async function open(
  options: Parameters<OpenBrowser['browser']['newContext']>[0] = {},
  url = address,
): Promise<{ page: Page; errors: string[]; context: BrowserContext }> {
  const context = await chromium.browser.newContext(options);
  const page = await context.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => {
    // A job is asked for before it is in the ledger.
    if (message.type() === 'error' && !message.text().includes('status of 404')) errors.push(message.text());
  });
  await page.goto(url);
  return { page, errors, context };
}

/** Follows a link of the page itself: the token is kept for this tab only. */
async function goTo(page: Page, route: string): Promise<void> {
  await page.evaluate(`location.hash = ${JSON.stringify(route)}`);
}

/** Presses Tab until the focused element has this text or label. */
async function tabTo(page: Page, name: string): Promise<void> {
  for (let presses = 0; presses < 60; presses += 1) {
    await page.keyboard.press('Tab');
    const focused = await page.evaluate(
      `{ const { ariaLabel, labels, textContent } = document.activeElement;
         (ariaLabel ?? labels?.[0]?.textContent ?? textContent).trim() }`,
    );
    if (focused === name) return;
  }
  expect.fail(`Tab does not reach ${name}`);
}

async function drop(key: string, body: string, metadata: Record<string, string> = {}): Promise<string> {
  return runtime.jobIdOf(key, await runtime.user.put(key, body, metadata));
}

const HELD = { 'batchdrop-hold': 'yes' };

/** Of three rows, the second fails in a way that no second try mends. */
function oneFailing(word: string): string {
  const prompt = `"content":"Say ${word} 1"}]`;
  return chatRows(3, word).replace(prompt, `${prompt},"metadata":{"batchdrop_local":"fail:422"}`);
}

where('a job', () => {
  it('is seen from its first moment to its results, without a reload', async () => {
    const { page, errors, context } = await open();
    await page.getByText('No jobs yet').waitFor();
    const jobId = await drop('life.jsonl', chatRows(200, 'life'));
    await page.getByRole('row', { name: /life\.jsonl/ }).waitFor();
    await page.getByRole('link', { name: 'life.jsonl' }).click();
    await page.evaluate(`
      globalThis.seen = new Set();
      new MutationObserver(() => seen.add(document.querySelector('.job-head .status')?.textContent))
        .observe(document.body, { subtree: true, childList: true, characterData: true })`);
    await page.getByRole('heading', { name: 'Outcome' }).waitFor();
    await page.getByText('Succeeded 200').first().waitFor();
    expect(await page.evaluate('[...seen]')).toEqual(expect.arrayContaining(['Submitted', 'Completed']));
    expect(await page.locator('.timeline .job').allInnerTexts()).toEqual([
      expect.stringContaining('Received'),
      expect.stringContaining('Accepted'),
      expect.stringContaining('Submitted'),
      expect.stringContaining('Completed'),
    ]);
    await page.getByText('user: Say life 0').waitFor();
    expect(await page.locator('.sample').count()).toBeGreaterThan(1);
    expect(new URL(page.url()).hash).toBe(`#/jobs/${jobId}`);
    await page.goBack();
    await page.getByRole('grid').waitFor();
    expect(errors).toEqual([]);
    await context.close();
  });

  it('is sent by keyboard alone: checked, corrected, and uploaded', async () => {
    const { page, errors, context } = await open();
    page.on('filechooser', () => {}); // caught from now on: on a busy machine, the key could come before `waitForEvent` is ready
    await page.getByRole('navigation').waitFor();
    await tabTo(page, 'Drop');
    await page.keyboard.press('Enter');
    const choose = async (name: string, text: string) => {
      await page.locator('main').focus();
      await tabTo(page, 'choose one');
      const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.keyboard.press('Enter')]);
      await chooser.setFiles({ name, mimeType: 'application/jsonl', buffer: Buffer.from(text) });
    };
    await page.getByRole('heading', { name: 'Drop a file' }).waitFor();
    await choose('keys.jsonl', `${chatRows(2, 'keys')}not JSON\n`);
    await page.getByText('The file would be rejected').waitFor();
    expect(await page.locator('.data tbody tr').first().textContent()).toMatch(/^3/);
    expect(await page.getByRole('button', { name: 'Send the file' }).count()).toBe(0);
    await choose('keys.jsonl', chatRows(2, 'keys'));
    await page.getByText('2 rows passed all checks').waitFor();
    expect(await page.locator('.figures').textContent()).toMatch(/Estimate≈ \$0\.0/);
    await tabTo(page, 'Send the file');
    await page.keyboard.press('Enter');
    const link = page.getByRole('link', { name: 'Open its job' });
    await link.waitFor();
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Open its job');
    await page.keyboard.press('Enter');
    await page.getByText('Succeeded 2').first().waitFor();
    expect(errors).toEqual([]);
    await context.close();
  });

  it('has a name that cannot look like another one', async () => {
    const jobId = await drop('right\u202Elnosj.evil.jsonl', 'not JSON\n');
    const { page, context } = await open();
    await page.getByRole('link', { name: 'right\\u202elnosj.evil.jsonl' }).click();
    await page.getByRole('heading', { name: 'right\\u202elnosj.evil.jsonl' }).waitFor();
    expect(page.url()).toContain(jobId);
    await context.close();
  });

  it('is sent by a file that is dropped on any page', async () => {
    const { page, context } = await open();
    await page.getByRole('navigation').waitFor();
    await page.evaluate(`{
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File([${JSON.stringify(chatRows(4, 'dragged'))}], 'dragged.jsonl'));
      document.body.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }));
    }`);
    await page.getByText('4 rows passed all checks').waitFor();
    expect(new URL(page.url()).hash).toBe('#/drop');
    await context.close();
  });

  it('is cancelled by keyboard, after a question that Escape answers with no', async () => {
    const jobId = await drop('cancelled.jsonl', chatRows(5, 'cancelled'), HELD);
    const { page, errors, context } = await open();
    await page.getByRole('row', { name: /Unapproved cancelled/ }).waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('cancelled');
    await tabTo(page, 'Table of jobs');
    await page.keyboard.press('Home');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Cancel job…' }).waitFor();
    for (const answer of ['Escape', 'yes']) {
      await page.locator('main').focus();
      await tabTo(page, 'Cancel job…');
      await page.keyboard.press('Enter');
      await page.getByRole('dialog').waitFor();
      expect(await page.evaluate('document.activeElement.textContent')).toBe('Keep it');
      if (answer === 'Escape') await page.keyboard.press('Escape');
      else await tabTo(page, 'Cancel the job');
      if (answer === 'yes') await page.keyboard.press('Enter');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      if (answer === 'Escape') expect((await runtime.ledger.readJob(jobId))?.status).toBe('unapproved');
    }
    await page.getByText('Cancel requested').waitFor();
    await page.locator('.job-head').getByText('Cancelled').waitFor();
    expect(errors).toEqual([]);
    await context.close();
  });

  it('is approved after its cost was shown', async () => {
    const jobId = await drop('approved.jsonl', chatRows(6, 'approved'), HELD);
    const { page, context } = await open();
    await page.getByRole('navigation').waitFor();
    await goTo(page, `#/jobs/${jobId}`);
    await page.getByRole('button', { name: 'Approve…' }).click();
    expect(await page.getByRole('dialog').textContent()).toMatch(/6 rows will be sent. The estimate is ≈ \$/);
    await page.getByRole('button', { name: 'Approve', exact: true }).click();
    await page.getByText('Succeeded 6').first().waitFor();
    await context.close();
  });

  it('shows why rows failed, runs them again, and gives its files', async () => {
    const jobId = await drop('failing.jsonl', oneFailing('failing'));
    await runtime.untilJob(jobId, 'completed');
    const { page, errors, context } = await open({ acceptDownloads: true });
    await page.getByRole('navigation').waitFor();
    await goTo(page, `#/jobs/${jobId}`);
    expect(await page.locator('.error-kinds').textContent()).toMatch(/1 row/);
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download errors.jsonl' }).click(),
    ]);
    expect(readFileSync(await download.path(), 'utf8')).toContain('"custom_id":"row-1"');
    await page.getByRole('button', { name: 'Retry…' }).click();
    await page.getByText('refused by the API').waitFor();
    await page.getByText('All that did not succeed').click();
    await page.getByText('failing.jsonl: 1 row of 3').waitFor();
    await page.getByRole('button', { name: 'Send these rows' }).click();
    await page.getByRole('link', { name: 'Open the new job' }).click();
    await page.getByText('failing.retry-1.jsonl').first().waitFor();
    expect(errors).toEqual([]);
    await context.close();
  });
});

/** The routes of pages with everything on them. */
async function everyPage(): Promise<Record<string, string>> {
  const rejected = await drop('rejected.jsonl', 'not JSON\n');
  await runtime.untilJob(rejected, 'rejected');
  const failing = await drop('accessible.jsonl', oneFailing('accessible'));
  const held = await drop('held.jsonl', chatRows(7, 'held'), HELD);
  await runtime.untilJob(failing, 'completed');
  await runtime.untilJob(held, 'unapproved');
  return {
    '#/jobs': '.jobs tbody tr',
    '#/jobs?search=nothing+like+this': '.empty',
    [`#/jobs/${failing}`]: '.sample',
    [`#/jobs/${rejected}`]: '.data',
    [`#/jobs/${held}`]: '.buttons button',
    '#/overview': '.overview:has(canvas):has(.checks li)',
    '#/drop': '.drop-place',
  };
}

/** Rules of WCAG 2.1, levels A and AA. */
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  return page.evaluate(`axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'] }).then(({ violations, passes }) =>
    passes.length < 10 ? ['nothing was checked'] :
    violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => id + ' ' + target + ' ' + failureSummary)))`);
}

where('each page', () => {
  let pages: Record<string, string>;
  beforeAll(async () => {
    if (CAN_RUN) pages = await everyPage();
  });

  it('passes the rules of WCAG 2.1 AA, light and dark, and fits a window of 400 pixels', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page, errors, context } = await open({ colorScheme, reducedMotion: 'reduce' });
      await page.getByRole('navigation').waitFor();
      for (const [route, whole] of Object.entries(pages)) {
        await goTo(page, route);
        await page.locator(whole).first().waitFor();
        expect({ route, colorScheme, found: await violations(page) }).toEqual({
          ...{ route, colorScheme, found: [] },
        });
        await page.setViewportSize({ width: 400, height: 800 });
        const width = await page.evaluate('document.documentElement.scrollWidth');
        expect({ route, width }).toEqual({ route, width: 400 });
        await page.setViewportSize({ width: 1_280, height: 720 });
      }
      expect(errors).toEqual([]);
      await context.close();
    }
  });

  it('passes them in a narrow window', async () => {
    const { page, context } = await open({ viewport: { width: 400, height: 800 } });
    await page.getByRole('navigation').waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByRole('link', { name: 'accessible.jsonl' }).click();
    await page.locator('.sample').first().waitFor();
    expect(await violations(page)).toEqual([]);
    await context.close();
  });

  it('has a question that passes them, too', async () => {
    const { page, context } = await open();
    await page
      .getByRole('row', { name: /held\.jsonl/ })
      .getByRole('link')
      .click();
    await page.getByRole('button', { name: 'Cancel job…' }).click();
    expect(await violations(page)).toEqual([]);
    await context.close();
  });

  it('weighs at most 100 KB with all that it loads', async () => {
    const { origin } = new URL(address);
    const sizes = ['/', '/console.js', '/console.css', '/icon.svg'].map(async (path) => {
      const response = await fetch(origin + path);
      expect(response.status).toBe(200);
      return gzipSync(Buffer.from(await response.arrayBuffer())).length;
    });
    const weight = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
    expect(weight).toBeGreaterThan(10_000);
    expect(weight).toBeLessThanOrEqual(MAX_WEIGHT);
  });

  it('shows charts, and their numbers in tables beside them', async () => {
    const { page, context } = await open();
    await page.getByRole('navigation').waitFor();
    await goTo(page, '#/overview');
    await page.locator('.chart canvas').first().waitFor();
    expect(await page.locator('.chart canvas').count()).toBe(3);
    expect(await page.locator('.chart-and-table .data tbody tr').count()).toBeGreaterThan(3);
    await context.close();
  });
});

const MANY = 10_000;
const MOST_ROWS = 60; // in the document, whatever the window shows

where('jobs', () => {
  it('of ten thousand are scrolled and searched with few rows in the document', async () => {
    const made = await MadeUpConsole.open(madeUpJobs(MANY));
    const { page, errors, context } = await open({}, made.url);
    await expect.poll(() => page.locator('.choice label').first().textContent()).toBe('All10,000');
    const grid = page.getByRole('grid');
    expect(await grid.getAttribute('aria-rowcount')).toBe(String(MANY + 1));
    const rows = () => page.locator('.jobs tbody tr').count();
    const shown = () => page.locator('.jobs tbody tr:not(.gap)').first().getAttribute('aria-rowindex');
    for (const part of [0, 0.3, 0.99, 1]) {
      const before = await shown();
      await page.evaluate(
        `{ const s = document.querySelector('.job-scroller'); s.scrollTop = ${part} * s.scrollHeight; }`,
      );
      if (part > 0) await expect.poll(shown).not.toBe(before);
      expect(await rows()).toBeLessThanOrEqual(MOST_ROWS);
      expect(await rows()).toBeGreaterThan(10);
    }
    await page.getByText('reviews-0.jsonl').waitFor();
    await grid.focus();
    await page.keyboard.press('Home');
    await page.getByText('labels-9999.jsonl').waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('reviews-98');
    await expect.poll(() => grid.getAttribute('aria-rowcount')).toBe('23'); // 980, 985, 9800, 9805, …, and the head
    expect(new URL(page.url()).hash).toBe('#/jobs?search=reviews-98');
    expect(errors).toEqual([]);
    await context.close();
    await made.close();
  });

  it('are read while the page is visible only, and again when the connection was lost', async () => {
    const [newest, ...older] = madeUpJobs(30);
    const made = await MadeUpConsole.open(older);
    const { page, context } = await open({}, made.url);
    await page.getByText('Live').waitFor();
    const show = (hidden: boolean) =>
      page.evaluate(`Object.defineProperty(document, 'hidden', { value: ${hidden}, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'))`);
    await show(true);
    await expect.poll(() => made.streams.size).toBe(0);
    await show(false);
    await expect.poll(() => made.streams.size).toBe(1);
    if (newest) made.change({ ...newest, status: 'submitted', ended: false });
    await page.getByText('Submitted').first().waitFor();
    made.endStreams();
    await page.getByText('The console does not answer').waitFor();
    await page.getByText('Live').waitFor();
    expect(await page.getByText('The console does not answer').count()).toBe(0);
    await context.close();
    await made.close();
  });

  it('cannot be changed by a session that may only look', async () => {
    const made = await MadeUpConsole.open(madeUpJobs(3));
    const { page, context } = await open({}, made.url);
    await page.getByText('Read-only').waitFor();
    await page.getByText('stack Batchdrop, account 123456789012, eu-west-1').waitFor();
    await goTo(page, '#/drop');
    await page.getByText('This session is read-only').waitFor();
    expect(await page.locator('input[type=file]').count()).toBe(0);
    await context.close();
    await made.close();
  });

  it('go with the session, and come back with the address of the next one', async () => {
    const made = await MadeUpConsole.open(madeUpJobs(3));
    const { page, context } = await open({}, made.url);
    await page.getByRole('grid').waitFor();
    made.isValid = false;
    made.endStreams();
    await page.getByRole('heading', { name: 'This session has ended' }).waitFor();
    await page.getByText('Open the address that your terminal shows').waitFor();
    expect(await violations(page)).toEqual([]);
    made.isValid = true;
    await page.evaluate(`location.href = ${JSON.stringify(made.url)}`); // in the same tab: loads nothing by itself
    await page.getByRole('grid').waitFor();
    expect(page.url()).not.toContain('token');
    await context.close();
    await made.close();
  });
});
