import type { Browser } from 'playwright-core';

/** What a page tries to reach. With the token: even a page that had it must get nothing from another origin. */
export interface Target {
  /** `http://host:port`. */
  readonly base: string;
  readonly token: string;
  readonly jobId: string;
}

/** What the page could read or show, by the way it tried; `nothing` if it could not even read a status. */
export type Loot = Readonly<Record<string, string>>;

/** Opens an attacker's page at this address, whatever is served there, and runs its attack. */
export async function attackFrom(browser: Browser, pageUrl: string, target: Target): Promise<Loot> {
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    // The attacker's own answer: for a rebound name, from before it led to the console.
    await page.route(pageUrl, (route) =>
      route.request().isNavigationRequest() && route.request().frame().parentFrame() === null
        ? route.fulfill({
            contentType: 'text/html',
            body: '<!doctype html><title>A page</title><body></body>',
          })
        : route.continue(),
    );
    await page.goto(pageUrl);
    return await page.evaluate(`(${ATTACK})(${JSON.stringify({ ...target, waitMs: 1_000 })})`);
  } finally {
    await context.close();
  }
}

/** Runs in the page. */
const ATTACK = `async ({ base, token, jobId, waitMs }) => {
  const loot = {};
  const read = async (how, path, options) => {
    loot[how] = await fetch(base + path, options)
      .then(async (response) => response.type + ' ' + response.status + ' ' + (await response.text()))
      .catch(() => 'nothing');
  };
  const authorization = 'Bearer ' + token;
  const cancel = '/api/jobs/' + jobId + '/cancel';
  const json = { authorization, 'content-type': 'application/json' };
  await read('page', '/');
  await read('session', '/api/session');
  await read('session with the token', '/api/session', { headers: { authorization } });
  await read('jobs without an answer', '/api/jobs', { mode: 'no-cors', credentials: 'include' });
  await read('cancel', cancel, { method: 'POST', headers: json, body: '{}' });
  await read('cancel without a preflight', cancel, { method: 'POST', mode: 'no-cors', headers: { 'content-type': 'text/plain' }, body: '{}' });
  await read('file', '/api/files/stolen.jsonl', { method: 'PUT', headers: { authorization, 'content-type': 'application/jsonl' }, body: '{}' });
  await read('ticket', '/api/tickets', { method: 'POST', headers: json, body: JSON.stringify({ jobId, file: 'output.jsonl' }) });
  navigator.sendBeacon(base + cancel, '{}');
  for (const enctype of ['text/plain', 'multipart/form-data']) {
    const frame = document.createElement('iframe');
    frame.name = enctype;
    const form = document.createElement('form');
    Object.assign(form, { method: 'POST', action: base + cancel, enctype, target: enctype });
    document.body.append(frame, form);
    form.submit();
  }
  for (const [tag, attribute, path] of [
    ['script', 'src', '/console.js'],
    ['img', 'src', '/icon.svg'],
    ['iframe', 'src', '/'],
    ['object', 'data', '/'],
    ['link', 'href', '/console.css'],
  ]) {
    const element = document.createElement(tag);
    if (tag === 'link') element.rel = 'stylesheet';
    element[attribute] = base + path;
    document.body.append(element);
    loot[tag] = await new Promise((resolve) => {
      element.onload = () => {
        let inside = 'nothing';
        try {
          inside = element.contentDocument?.title ?? 'nothing';
        } catch {}
        resolve(element.naturalWidth || (tag === 'script' || tag === 'link') ? 'loaded' : inside || 'nothing');
      };
      element.onerror = () => resolve('nothing');
      setTimeout(resolve, waitMs, 'nothing');
    });
  }
  return loot;
}`;
