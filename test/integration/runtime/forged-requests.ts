import { gzipSync } from 'node:zlib';
import { signedHeaders } from '../../../local/openai/webhooks/send-webhook.ts';

/** A request as it is sent over the network: headers may be repeated, and the body may be any bytes. */
export interface WireRequest {
  readonly method: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
}

/** A change that a forger makes to a genuine webhook. Returns the changed webhook. */
type Change = (genuine: WireRequest, random: () => number) => WireRequest;

const SIGNED = ['webhook-id', 'webhook-timestamp', 'webhook-signature'] as const;
const METHODS = ['GET', 'HEAD', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND'] as const;
const CONTENT_TYPES = [
  'text/plain; charset=utf-16',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/octet-stream',
  'application/json; charset=utf-7',
  'nonsense',
];
const ODD_VALUES = [
  '',
  ' ',
  '0',
  '-1',
  'NaN',
  '1e99',
  'v1,',
  'v1',
  ',',
  'null',
  '{}',
  'é',
  'a'.repeat(4_000),
];
const STALE_S = 301;

/** Returns a webhook that the API could have sent at that time, in milliseconds. */
export function genuineRequest(body: string, { secret, at }: { secret: string; at: number }): WireRequest {
  const signed = signedHeaders(`wh_${at}`, body, { secrets: [secret], at });
  return {
    method: 'POST',
    headers: [['content-type', 'application/json'], ...Object.entries(signed)],
    body: Buffer.from(body),
  };
}

/** Returns this many requests. Each is a genuine request with a change that makes it a forgery. */
export function* forgedRequests(
  count: number,
  of: { body: string; secret: string; now: () => number; random: () => number },
): Generator<WireRequest & { readonly change: string }> {
  const { body, secret, now, random } = of;
  const changes = Object.entries({ ...CHANGES, stale: staleBy(-1, of), early: staleBy(1, of) });
  for (let nth = 0; nth < count; nth += 1) {
    const [name, change] = changes[nth % changes.length] ?? [];
    if (name === undefined || change === undefined) throw new Error('there are no changes');
    yield { ...change(genuineRequest(body, { secret, at: now() }), random), change: name };
  }
}

function staleBy(
  sign: 1 | -1,
  { body, secret, now }: { body: string; secret: string; now: () => number },
): Change {
  // A minute more than allowed, because the clock continues while the request is being sent.
  return (_, random) =>
    genuineRequest(body, { secret, at: now() + sign * (STALE_S + 60 + random() * 1e6) * 1_000 });
}

const CHANGES: Readonly<Record<string, Change>> = {
  'a header removed': (genuine, random) => {
    const gone = pick(SIGNED, random);
    return { ...genuine, headers: genuine.headers.filter(([name]) => name !== gone) };
  },
  'a header changed': (genuine, random) =>
    withHeader(genuine, pick(SIGNED, random), (v) => flipped(v, random)),
  'a header replaced': (genuine, random) =>
    withHeader(genuine, pick(SIGNED, random), () => pick(ODD_VALUES, random)),
  'a header repeated': (genuine, random) => {
    const doubled = pick(SIGNED, random);
    const again = genuine.headers.filter(([name]) => name === doubled);
    return { ...genuine, headers: [...genuine.headers, ...again] };
  },
  'a header extended': (genuine, random) =>
    withHeader(genuine, pick(SIGNED, random), (value) => value + pick([',', 'x', '.5', ',v1', '=='], random)),
  'a signature of another version': (genuine, random) =>
    withHeader(genuine, 'webhook-signature', (value) =>
      value.replace('v1', pick(['v1a', 'v2', 'V1', ''], random)),
    ),
  'bytes flipped': (genuine, random) => {
    const body = Buffer.from(genuine.body);
    for (let flips = 1 + Math.floor(random() * 3); flips > 0; flips -= 1) {
      const at = Math.floor(random() * body.length);
      body[at] = (body[at] ?? 0) ^ (1 + Math.floor(random() * 255));
    }
    // Two flips of one byte may cancel each other out.
    return { ...genuine, body: body.equals(genuine.body) ? body.subarray(1) : body };
  },
  'bytes cut off': (genuine, random) => ({
    ...genuine,
    body: genuine.body.subarray(0, Math.floor(random() * genuine.body.length)),
  }),
  'bytes added': (genuine, random) => {
    const more = Buffer.from(pick([' ', '\n', '\0', '}', '\uFEFF'], random));
    const isBefore = random() < 0.5;
    return { ...genuine, body: Buffer.concat(isBefore ? [more, genuine.body] : [genuine.body, more]) };
  },
  oversized: (genuine, random) => ({
    ...genuine,
    body: Buffer.concat([genuine.body, Buffer.alloc(65_536 + Math.floor(random() * 10_000), 0x20)]),
  }),
  'another method': (genuine, random) => ({ ...genuine, method: pick(METHODS, random) }),
  'another method, of which a header says POST': (genuine) => ({
    ...genuine,
    method: 'PUT',
    headers: [...genuine.headers, ['x-http-method-override', 'POST']],
  }),
  'another encoding': (genuine, random) => ({
    ...genuine,
    headers: [...genuine.headers.slice(1), ['content-type', pick(CONTENT_TYPES, random)]],
    body: Buffer.from(genuine.body.toString(), pick(['utf16le', 'base64', 'hex'] as const, random)),
  }),
  compressed: (genuine) => ({
    ...genuine,
    headers: [...genuine.headers, ['content-encoding', 'gzip']],
    body: gzipSync(genuine.body),
  }),
  junk: (genuine, random) => ({
    ...genuine,
    body: Buffer.from(
      Array.from({ length: 1 + Math.floor(random() * 300) }, () => Math.floor(random() * 256)),
    ),
  }),
  'nothing signed': ({ body, method }) => ({ method, headers: [], body }),
};

function withHeader(genuine: WireRequest, changed: string, change: (value: string) => string): WireRequest {
  const headers = genuine.headers.map(
    ([name, value]) => [name, name === changed ? change(value) : value] as const,
  );
  return { ...genuine, headers };
}

/** Changes one character of a value, but not the last two, because base64 ignores some of their bits. */
function flipped(value: string, random: () => number): string {
  const at = Math.floor(random() * (value.length - 2));
  const other = value[at] === '7' ? '3' : '7';
  return value.slice(0, at) + other + value.slice(at + 1);
}

function pick<T>(things: readonly [T, ...T[]] | readonly T[], random: () => number): T {
  const thing = things[Math.floor(random() * things.length)];
  if (thing === undefined) throw new Error('nothing to pick from');
  return thing;
}
