/**
 * The rule that protects servers on this machine from web pages. Every server of the local runtime uses it ("Let nobody
 * in on one machine", docs/local.md).
 *
 * A browser sends any page's requests to 127.0.0.1 and says where they come from: in `Sec-Fetch-Site` and, for a method
 * that may change something, in `Origin`. If a page makes its own name resolve to 127.0.0.1 (DNS rebinding), the
 * browser treats the server as the page's own, but `Host` contains the page's name. Programs send neither `Origin` nor
 * `Sec-Fetch-Site`, and call the server by a name of this machine.
 *
 * Known gap: any program of this user on this machine can still call the server. Signed calls prevent that, see
 * iam/signature.ts.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';

/** The names of this machine. S3 clients put the bucket before `localhost`. */
const OWN_NAME = /^(?:127\.0\.0\.1|\[::1\]|(?:[a-z0-9][a-z0-9.-]*\.)?localhost)$/;

/** The port is not compared, because it may be that of a tunnel, and a page cannot choose the name before it. */
const HOST = /^(?<name>\[[^\]]*\]|[^:]*)(?<port>:\d{1,5})?$/;

/** A person's own click on a bookmark, or a page of the server itself. */
const ALLOWED_SITES: ReadonlySet<string> = new Set(['none', 'same-origin']);

/** Returns why a request must be refused, as a sentence. Undefined for a request from a program on this machine. */
export function reasonToRefuse({ headers }: Pick<IncomingMessage, 'headers'>): string | undefined {
  const host = headers.host?.toLowerCase() ?? '';
  if (!OWN_NAME.test(HOST.exec(host)?.groups?.name ?? '')) {
    return 'This server is for programs on this machine: call it as 127.0.0.1, localhost or [::1].';
  }
  const { origin } = headers;
  const isForeign = origin !== undefined && origin.toLowerCase() !== `http://${host}`;
  const site = headers['sec-fetch-site'];
  if (isForeign || (site !== undefined && !ALLOWED_SITES.has(String(site).toLowerCase()))) {
    return 'This server refuses all requests from web pages, because a page could read your data and spend your money.';
  }
  return undefined;
}

/**
 * Sets the headers that keep a browser from guessing a type, from running the content, and from showing it to another
 * site.
 */
export function setProtectiveHeaders(response: ServerResponse): void {
  response.setHeader('x-content-type-options', 'nosniff');
  response.setHeader('content-security-policy', "default-src 'none'; sandbox");
  response.setHeader('cross-origin-resource-policy', 'same-origin');
}
