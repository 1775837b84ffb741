/**
 * The rule that protects the console from other web pages and other programs. The console acts with the user's AWS
 * credentials, so its rule is stricter than that of the local runtime (`local/browser-guard.ts`):
 *
 * 1. `Host` is exactly the printed address. A page that makes its own name resolve to 127.0.0.1 (DNS rebinding) sends
 *    its own name, and a page of another port sends the right one but is another origin.
 * 2. `Origin`, if there is one, is the console's own, and each write has one. A browser adds it to each write.
 * 3. `Sec-Fetch-Site` is the console itself, or the person (`none`). Only the empty page may be reached from elsewhere,
 *    as a whole window: a link opens it, and without the token it shows nothing. It is never shown in a frame.
 * 4. `/api/` needs the token of this run in `Authorization`. There are no cookies, because a browser sends those of
 *    127.0.0.1 to every port. A download needs a ticket, because a browser cannot send a header with a download.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** Why a request is refused: an HTTP status, a stable code, and a sentence. */
export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

type Head = Pick<IncomingMessage, 'method' | 'url' | 'headers'>;

const TOKEN_BYTES = 16; // nobody guesses 128 bits, and the address fits a line
const METHODS: ReadonlySet<string | undefined> = new Set(['GET', 'POST', 'PUT']);
const FRAMES: ReadonlySet<string> = new Set(['iframe', 'frame', 'object', 'embed', 'fencedframe']);

/** Returns why a request must be refused, without a look at its token. `origin`: the console's own, such as `http://127.0.0.1:4567`. */
export function refusalOf({ method, url = '', headers }: Head, origin: string): Refusal | undefined {
  if (headers.host !== new URL(origin).host || !url.startsWith('/'))
    return refused('wrong_host', `The console answers only at ${origin}.`);
  if (!METHODS.has(method)) return { ...refused('wrong_method', `There is no ${method} here.`), status: 405 };
  const isWrite = method !== 'GET';
  if ((isWrite || headers.origin !== undefined) && headers.origin !== origin)
    return refused('wrong_origin', 'The console takes requests only from its own page.');
  const site = headers['sec-fetch-site'];
  if (site === undefined || site === 'same-origin' || site === 'none') {
    return FRAMES.has(String(headers['sec-fetch-dest']))
      ? refused('framed', 'The console is not shown in a frame.')
      : undefined;
  }
  const opensPage = headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
  if (!isWrite && url === '/' && opensPage) return undefined;
  return refused('wrong_site', 'The console takes requests only from its own page.');
}

function refused(code: string, message: string): Refusal {
  return { status: 403, code, message };
}

/** The secret of one run of the console. */
export class Token {
  /** In base64url. */
  readonly text = randomBytes(TOKEN_BYTES).toString('base64url');
  readonly #digest = digestOf(this.text);

  /** Returns whether the header `Authorization` has the token. It takes the same time for each wrong one. */
  isIn(authorization: string | undefined): boolean {
    const [, given] = /^Bearer ([\w-]{1,128})$/.exec(authorization ?? '') ?? [];
    return timingSafeEqual(digestOf(given ?? ''), this.#digest) && given !== undefined;
  }
}

/** Digests have one length, as the comparison needs it. */
function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
};

/**
 * Sets the headers of every answer. The page runs only its own script and loads nothing from elsewhere, text cannot
 * become markup (Trusted Types), and nothing is kept by the browser.
 */
export function setProtectiveHeaders(response: ServerResponse): void {
  for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
}
