/**
 * The request and the response of a function's URL, payload format 2.0
 * ([source](https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html)).
 */
import { isUtf8 } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

/** The content types whose body Lambda passes on as text. It passes on every other body in base64. */
const TEXT = /^(?:text\/|application\/(?:json|javascript|xml)\b|application\/[\w.+-]+\+(?:json|xml)\b)/i;

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** A request as it arrived, with `path` and `query` as the caller wrote them after the URL. */
export interface UrlRequest {
  readonly request: Pick<IncomingMessage, 'method' | 'headers' | 'socket' | 'httpVersion'>;
  readonly path: string;
  /** Without `?`. */
  readonly query: string;
  readonly body: Buffer;
  /** The name of the function, in place of the URL's id. */
  readonly functionName: string;
  /** By the functions' clock. */
  readonly now: number;
}

/** Returns the event with which Lambda invokes a function for a request to its URL. */
export function urlEvent({ request, path, query, body, functionName, now }: UrlRequest): object {
  const { method = 'GET', headers, socket, httpVersion } = request;
  const { cookie, ...others } = headers;
  const isText = TEXT.test(headers['content-type'] ?? '') && isUtf8(body); // converting bytes that are not text would damage them
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: path,
    rawQueryString: query,
    ...(cookie !== undefined && { cookies: cookie.split('; ') }),
    headers: joined(others),
    ...(query !== '' && { queryStringParameters: parametersIn(query) }),
    requestContext: {
      accountId: 'anonymous',
      apiId: functionName,
      domainName: headers.host ?? '',
      domainPrefix: functionName,
      http: {
        method,
        path,
        protocol: `HTTP/${httpVersion}`,
        sourceIp: socket.remoteAddress ?? '',
        userAgent: headers['user-agent'] ?? '',
      },
      requestId: randomUUID(),
      routeKey: '$default',
      stage: '$default',
      time: clfTime(now),
      timeEpoch: now,
    },
    ...(body.length > 0 && { body: body.toString(isText ? 'utf8' : 'base64') }),
    isBase64Encoded: body.length > 0 && !isText,
  };
}

/** The response to the caller of the URL. */
export interface UrlAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: Buffer;
}

const JSON_TYPE = { 'content-type': 'application/json' };

/**
 * Converts what a function returned into a response. A result without a `statusCode` is the body of a 200 response.
 * Returns undefined for an invalid `statusCode`; the caller then gets 502.
 */
export function urlAnswer(returned: unknown): UrlAnswer | undefined {
  const { statusCode, headers, cookies, body, isBase64Encoded } = Object(returned);
  if (statusCode === undefined) {
    const text = typeof returned === 'string' ? returned : JSON.stringify(returned ?? null);
    return { status: 200, headers: JSON_TYPE, body: Buffer.from(text) };
  }
  const status = Number(statusCode);
  if (!Number.isInteger(status) || status < 200 || status > 599) return undefined;
  const given = Object.entries(Object(headers)).map(([name, value]) => [name.toLowerCase(), String(value)]);
  return {
    status,
    headers: {
      ...JSON_TYPE,
      ...Object.fromEntries(given),
      ...(Array.isArray(cookies) && { 'set-cookie': cookies.map(String) }),
    },
    body: Buffer.from(body === undefined ? '' : String(body), isBase64Encoded ? 'base64' : 'utf8'),
  };
}

/** Joins repeated headers with commas. Node's header names are already in lower case. */
function joined(headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, [value].flat().join(',')]],
    ),
  );
}

/** Joins repeated parameters with commas. */
function parametersIn(query: string): Record<string, string> {
  const parameters = new URLSearchParams(query);
  return Object.fromEntries([...parameters.keys()].map((name) => [name, parameters.getAll(name).join(',')]));
}

/** Returns a time such as `29/Nov/2026:01:38:03 +0000`. */
function clfTime(now: number): string {
  const time = new Date(now);
  const day = String(time.getUTCDate()).padStart(2, '0');
  return `${day}/${MONTHS[time.getUTCMonth()]}/${time.getUTCFullYear()}:${time.toISOString().slice(11, 19)} +0000`;
}
