import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { setProtectiveHeaders } from '../../../bin/console/http/request-guard.ts';
import type { JobRow, JobsAnswer, LedgerReads, Session } from '../../../console/api.ts';
import { keptPage } from '../../../lib/bundling/bundle-console.ts';

const TOKEN = 'made-up';
const NOW = '2026-12-20T00:00:00.000Z';
const FILES: Readonly<
  Record<string, readonly [name: 'index.html' | 'console.js' | 'console.css', type: string]>
> = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/console.js': ['console.js', 'text/javascript'],
  '/console.css': ['console.css', 'text/css'],
};

/** The page, and a server that answers it with these jobs, because so many real jobs would take too long. */
export class MadeUpConsole {
  /** Streams of changes that are open now. */
  readonly streams = new Set<ServerResponse>();
  /** The session ends when it becomes false. */
  isValid = true;
  readonly #jobs: readonly JobRow[];
  #server = createServer();

  private constructor(jobs: readonly JobRow[]) {
    this.#jobs = jobs;
  }

  static async open(jobs: readonly JobRow[]): Promise<MadeUpConsole> {
    const made = new MadeUpConsole(jobs);
    const page = await keptPage();
    made.#server.on('request', ({ url = '/', headers }, response) => {
      setProtectiveHeaders(response);
      const { pathname, searchParams } = new URL(url, 'http://console');
      const [name, type] = FILES[pathname] ?? [];
      if (name !== undefined && type !== undefined) response.setHeader('content-type', type).end(page[name]);
      else if (!made.isValid || headers.authorization !== `Bearer ${TOKEN}`)
        response.writeHead(401).end('{"error":{"code":"no_token","message":"no token"}}');
      else made.#answer(pathname, searchParams, response);
    });
    await once(made.#server.listen(0, '127.0.0.1'), 'listening');
    return made;
  }

  get url(): string {
    const address = this.#server.address();
    return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/#token=${TOKEN}`;
  }

  /** Sends a change to every page that follows. */
  change(job: JobRow): void {
    for (const stream of this.streams) send(stream, 'jobs', { jobs: [job] });
  }

  async close(): Promise<void> {
    this.endStreams();
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  /** As if the connection broke. */
  endStreams(): void {
    for (const stream of this.streams) stream.destroy();
  }

  #answer(path: string, query: URLSearchParams, response: ServerResponse): void {
    if (path === '/api/session') return void response.end(JSON.stringify(session()));
    if (path === '/api/jobs') return void response.end(JSON.stringify(this.#page(query)));
    if (path !== '/api/stream') return void response.writeHead(404).end('{}');
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    this.streams.add(response);
    response.on('close', () => this.streams.delete(response));
    send(response, 'reads', { total: 1, perHour: 1, now: NOW } satisfies LedgerReads);
  }

  #page(query: URLSearchParams): JobsAnswer {
    const from = Number(query.get('cursor') ?? 0);
    const end = from + Number(query.get('limit'));
    const more = end < this.#jobs.length;
    return { jobs: this.#jobs.slice(from, end), ...(more && { cursor: String(end) }) };
  }
}

function send(stream: ServerResponse, event: string, data: object): void {
  stream.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}

function session(): Session {
  return {
    ...{
      version: '0.1.0',
      place: 'account',
      stack: 'Batchdrop',
      account: '123456789012',
      region: 'eu-west-1',
    },
    ...{ mayOperate: false, now: NOW, simulatedTime: false, requestBucket: 'requests', maxUploadBytes: 1e9 },
  };
}
