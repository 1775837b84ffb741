/**
 * What a web page can do to a server on this machine, and the rule against it, kept here for every server of the local runtime
 * ("Let nobody in on one machine", docs/local.md).
 *
 * A browser sends any page's requests to 127.0.0.1 and says where they come from: in `Sec-Fetch-Site` and, with a method that may
 * change something, in `Origin`. A page whose own name is made to resolve to 127.0.0.1 (DNS rebinding) is no stranger to the browser,
 * but its name is in `Host`. Programs send neither `Origin` nor `Sec-Fetch-Site`, and call the server by a name of this machine.
 *
 * Known gap: any program of this user on this machine can still call the server. Signed calls are for that, see iam/signature.ts.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';

/** The names by which this machine calls itself; S3 clients put the bucket before `localhost`. */
const OWN_NAME = /^(?:127\.0\.0\.1|\[::1\]|(?:[a-z0-9][a-z0-9.-]*\.)?localhost)$/;

/** The port is not compared: it may be that of a tunnel, and a page cannot choose the name that comes before it. */
const HOST = /^(?<name>\[[^\]]*\]|[^:]*)(?<port>:\d{1,5})?$/;

/** A person's own click on a bookmark, or a page of the server itself. */
const ALLOWED_SITES: ReadonlySet<string> = new Set(['none', 'same-origin']);

/** Returns why a request must not be served, as a sentence; undefined for a request of a program of this machine. */
export function reasonToRefuse({ headers }: Pick<IncomingMessage, 'headers'>): string | undefined {
  const host = headers.host?.toLowerCase() ?? '';
  if (!OWN_NAME.test(HOST.exec(host)?.groups?.name ?? '')) {
    return 'This server is for programs on this machine: call it as 127.0.0.1, localhost or [::1].';
  }
  const { origin } = headers;
  const isForeign = origin !== undefined && origin.toLowerCase() !== `http://${host}`;
  const site = headers['sec-fetch-site'];
  if (isForeign || (site !== undefined && !ALLOWED_SITES.has(String(site).toLowerCase()))) {
    return 'This server answers no request that a web page sends: the page could read and spend what is yours.';
  }
  return undefined;
}

/** Sets the headers that keep a browser from guessing a type, from running what it got, and from showing it to another site. */
export function setProtectiveHeaders(response: ServerResponse): void {
  response.setHeader('x-content-type-options', 'nosniff');
  response.setHeader('content-security-policy', "default-src 'none'; sandbox");
  response.setHeader('cross-origin-resource-policy', 'same-origin');
}
