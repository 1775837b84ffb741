import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectionTo } from '../../../bin/connection/connection.ts';
import { startConsole } from '../../../bin/console/console-server.ts';
import { fileLeadingTo } from '../../../bin/console/open-page.ts';
import { synthesizedStack } from '../../../bin/up/synthesis.ts';
import { RecordedRuntime } from '../../local/iam/recorded-runtime.ts';
import { CAN_RUN, type OpenBrowser, openBrowser } from '../browser.ts';
import { serve, THIEF_HOST, unguarded } from '../thief.ts';
import { attackFrom, type Loot, type Target } from './attack-console.ts';

/** On other machines, the browser package has no Chromium. CI must run this test. */
const where = CAN_RUN || process.env.CI !== undefined ? describe : describe.skip;

/** Text that would run, if a page took it for markup. */
const MARKUP = '<img src=x onerror="globalThis.ran=1"><script>globalThis.ran=1</script>';
const KEY = `${MARKUP.replaceAll('/', '_')}.jsonl`;

let chromium: OpenBrowser;
let runtime: RecordedRuntime;
let target: Target;
let address: string;
let elsewhere: { port: number };
const closing: (() => unknown)[] = [];

beforeAll(async () => {
  if (!CAN_RUN) return;
  runtime = await RecordedRuntime.start(await synthesizedStack());
  closing.push(() => runtime.close());
  const running = await startConsole({
    port: 0,
    connect: async (onCall) => connectionTo(runtime.names, undefined, onCall),
  });
  closing.push(() => running.close());
  address = running.url;
  const body = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: MARKUP }] };
  const row = { custom_id: MARKUP, method: 'POST', url: '/v1/chat/completions', body };
  const jobId = await runtime.drop(KEY, `${JSON.stringify(row)}\n`);
  await runtime.untilJob(jobId, 'completed');
  const { origin, hash } = new URL(address);
  target = { base: origin, token: hash.replace('#token=', ''), jobId };
  chromium = await openBrowser({ hosts: [THIEF_HOST] });
  closing.push(() => chromium.close());
  const other = await serve((_, response) => response.end());
  elsewhere = other;
  closing.push(() => other.close());
}, 120_000);

afterAll(async () => {
  for (const close of closing.reverse()) await close();
});

const SESSION = '"requestBucket"';

/** Expects that nothing was read, shown or run. */
function expectNothing(loot: Loot): void {
  expect(Object.keys(loot)).toHaveLength(13);
  for (const [how, got] of Object.entries(loot))
    expect({ how, got }).toEqual({ how, got: expect.stringMatching(/^(nothing$|opaque 0 $|basic 40[13] )/) });
}

async function untouched(): Promise<void> {
  expect(runtime.hasEvent('Cancel Outcome', target.jobId, 'completed')).toBe(false);
  expect(await runtime.user.keys(runtime.names.requestBucket, 'stolen')).toEqual([]);
}

where('a page with the token of the console', () => {
  it.each(['127.0.0.1', 'localhost', THIEF_HOST])('on another port of %s gets nothing', async (host) => {
    expectNothing(await attackFrom(chromium.browser, `http://${host}:${elsewhere.port}/`, target));
    await untouched();
  });

  it('gets nothing through a name that it made resolve to the console', async () => {
    const base = `http://${THIEF_HOST}:${new URL(target.base).port}`;
    const loot = await attackFrom(chromium.browser, `${base}/`, { ...target, base });
    expectNothing(loot);
    expect(JSON.stringify(loot)).not.toContain(SESSION);
    await untouched();
  });

  it('would get all of it, if the console did not look at the name', async () => {
    const proxy = await unguarded(target.base);
    const base = `http://${THIEF_HOST}:${proxy.port}`;
    const loot = await attackFrom(chromium.browser, `${base}/`, { ...target, base });
    await proxy.close();
    expect(loot['session with the token']).toContain(SESSION);
    expect(loot.script).toBe('loaded');
  });
});

/** Opens the console as its user does, and counts what the page asks of whom. */
async function openConsole(): Promise<{ page: Page; asked: string[]; close: () => Promise<void> }> {
  const context = await chromium.browser.newContext();
  const page = await context.newPage();
  const asked: string[] = [];
  page.on('request', (request) => asked.push(request.url()));
  page.on('dialog', (dialog) => void dialog.dismiss().then(() => expect.fail('a dialog was shown')));
  await page.goto(address);
  await page.getByText(MARKUP.slice(0, 10)).first().waitFor();
  return { page, asked, close: () => context.close() };
}

/** Asks the tabs of the console for their token, from an empty page of this origin. */
async function answerOfTabs(context: BrowserContext, origin: string): Promise<unknown> {
  const page = await context.newPage();
  await page.route(`${origin}/empty`, (route) => route.fulfill({ contentType: 'text/html', body: '' }));
  await page.goto(`${origin}/empty`);
  return page.evaluate(`new Promise((resolve) => {
    const channel = new BroadcastChannel('batchdrop-token');
    channel.onmessage = ({ data }) => resolve(data.token);
    setTimeout(resolve, 1_000, 'nothing');
    channel.postMessage('token?');
  })`);
}

where('the page of the console', () => {
  it('removes the token from its address, sets no cookie, and asks nobody else', async () => {
    const { page, asked, close } = await openConsole();
    expect(page.url()).not.toContain(target.token);
    expect(await page.evaluate('document.cookie + JSON.stringify(localStorage)')).toBe('{}');
    expect(await page.context().cookies()).toEqual([]);
    expect(asked.length).toBeGreaterThan(3);
    expect(asked.filter((url) => !url.startsWith(`${target.base}/`))).toEqual([]);
    expect(asked.filter((url) => url.includes(target.token))).toEqual([]);
    await close();
  });

  it('gives its token to its other tabs, and to no page of another port or name', async () => {
    const { page, close } = await openConsole();
    const tab = await page.context().newPage();
    await tab.goto(`${target.base}/#/jobs/${target.jobId}`);
    await tab.getByText(MARKUP.slice(0, 10)).first().waitFor();
    expect(await answerOfTabs(page.context(), target.base)).toBe(target.token);
    const { port } = new URL(target.base);
    for (const other of [`127.0.0.1:${elsewhere.port}`, `localhost:${port}`, `${THIEF_HOST}:${port}`]) {
      expect(await answerOfTabs(page.context(), `http://${other}`)).toBe('nothing');
    }
    await close();
  });

  it('opens from the file with which the command starts the browser, and from no other page', async () => {
    const leading = fileLeadingTo(address);
    const context = await chromium.browser.newContext();
    const page = await context.newPage();
    await page.goto(leading.href);
    await page.getByText(MARKUP.slice(0, 10)).first().waitFor();
    leading.discard();
    await page.goto(`http://127.0.0.1:${elsewhere.port}/`);
    const link = (path: string) => page.evaluate(`location.href = ${JSON.stringify(target.base + path)}`);
    const [answer] = await Promise.all([
      page.waitForResponse(`${target.base}/api/session`),
      link('/api/session'),
    ]);
    expect(answer.status()).toBe(403);
    await context.close();
  });

  it('shows markup in keys, ids, prompts and answers as text', async () => {
    const { page, close } = await openConsole();
    await page.goto(`${target.base}/#/jobs/${target.jobId}`);
    await page.getByText(`user: ${MARKUP}`).waitFor();
    const text = await page.evaluate('document.body.innerText');
    expect(String(text).split(MARKUP).length - 1).toBeGreaterThanOrEqual(3); // id, prompt, answer
    expect(text).toContain(KEY.slice(0, -'.jsonl'.length));
    expect(await page.evaluate('globalThis.ran')).toBeUndefined();
    expect(await page.locator('img[src="x"], main script').count()).toBe(0);
    await close();
  });

  it('runs no text as markup or code, and loads nothing from elsewhere, even if it wanted to', async () => {
    const { page, close } = await openConsole();
    const tried = (code: string) =>
      page.evaluate(
        `(async () => { try { ${code}; return 'done'; } catch (error) { return error.name; } })()`,
      );
    expect(await tried('document.body.innerHTML = "<b>x</b>"')).toBe('TypeError');
    expect(await tried('document.createElement("script").text = "1"')).toBe('TypeError');
    expect(await tried('document.createElement("script").src = "/console.js"')).toBe('TypeError');
    expect(await tried(`await fetch("http://127.0.0.1:${elsewhere.port}/", { mode: "no-cors" })`)).toBe(
      'TypeError',
    );
    await close();
  });

  it('is shown in no frame, not even in one of its own', async () => {
    const { page, close } = await openConsole();
    await page.evaluate(`new Promise((resolve) => {
      const frame = document.createElement('iframe');
      frame.onload = frame.onerror = resolve;
      frame.src = '/';
      document.body.append(frame);
      setTimeout(resolve, 1000);
    })`);
    const [, frame] = page.frames();
    expect(frame?.url()).toMatch(/^chrome-error:/);
    await close();
  });

  it('downloads results as a file, with a ticket', async () => {
    const { page, close } = await openConsole();
    await page.goto(`${target.base}/#/jobs/${target.jobId}`);
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: /output\.jsonl/ }).click(),
    ]);
    expect(download.suggestedFilename()).toMatch(/^[^/\\<>"]*-output\.jsonl$/);
    expect(new URL(download.url()).pathname).toMatch(/^\/download\/[\w-]{43}$/);
    await close();
  });
});
