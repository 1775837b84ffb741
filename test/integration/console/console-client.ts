import { once } from 'node:events';
import { type IncomingHttpHeaders, request } from 'node:http';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';

/** An answer of the console. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

interface Sent {
  readonly method?: string;
  /** Replace those that the console's own page would send. `undefined` leaves one out. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: string | Readable;
}

/** A program that asks the console as its page does, and can send any header. */
export class ConsoleClient {
  readonly origin: string;
  readonly token: string;

  /** Takes the address that the console prints. */
  constructor(url: string) {
    const { origin, hash } = new URL(url);
    this.origin = origin;
    this.token = hash.replace('#token=', '');
  }

  /** Sends the path as it is: nothing is normalised. */
  async ask(path: string, { method = 'GET', headers = {}, body }: Sent = {}): Promise<Answer> {
    const response = await this.open(path, { method, headers, ...(body !== undefined && { body }) });
    return { status: response.statusCode ?? 0, headers: response.headers, body: await buffer(response) };
  }

  /** As `ask`, and returns the answer before its body has arrived. */
  async open(path: string, { method = 'GET', headers = {}, body }: Sent = {}) {
    const { hostname, port, host } = new URL(this.origin);
    const own: Record<string, string | undefined> = {
      host,
      authorization: `Bearer ${this.token}`,
      'sec-fetch-site': 'same-origin',
      ...(method !== 'GET' && { origin: this.origin, 'content-type': 'application/json' }),
      ...(typeof body === 'string' && { 'content-length': String(Buffer.byteLength(body)) }),
      ...headers,
    };
    const sent = request({ hostname, port, path, method, agent: false });
    for (const [name, value] of Object.entries(own)) {
      if (value === undefined) sent.removeHeader(name);
      else sent.setHeader(name, value);
    }
    if (body instanceof Readable) body.pipe(sent);
    else sent.end(body);
    const [response] = await once(sent, 'response');
    return response;
  }

  /** Returns the JSON of an answer; throws for an error. */
  async get<T>(path: string): Promise<T> {
    return jsonOf(await this.ask(path));
  }

  async post<T>(path: string, body: object): Promise<T> {
    return jsonOf(await this.ask(path, { method: 'POST', body: JSON.stringify(body) }));
  }
}

function jsonOf<T>({ status, body }: Answer): T {
  if (status !== 200) throw new Error(`${status} ${body}`);
  return JSON.parse(body.toString());
}
