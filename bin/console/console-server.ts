/**
 * The console's server: the page and what it asks (console/api.ts), on 127.0.0.1, with the AWS credentials of the user
 * who started it. Who may ask is in `request-guard.ts`. All else is loaded at the first request, because `npm start`
 * has a console that most runs never open.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { PageFiles } from '../../lib/bundling/bundle-console.ts';
import { Failure } from '../terminal/failure.ts';
import type { ConsoleApi } from './console-api.ts';
import type { ConsoleOptions } from './console-options.ts';
import { type Refusal, refusalOf, setProtectiveHeaders, Token } from './http/request-guard.ts';

/** A console that answers. */
export interface RunningConsole {
  /** With the token in its fragment, which a browser sends to nobody. */
  readonly url: string;
  /** Connects now, and not at the first request. Errors: a Failure that says what to do. */
  connect(): Promise<void>;
  close(): Promise<void>;
}

const HOST = '127.0.0.1';
const DEFAULT_PORT = 4567; // beside the AWS endpoint of `up`; a tunnel needs to know it
const HEADERS_TIMEOUT_MS = 10_000;
const MAX_CONNECTIONS = 64; // a browser opens six

/** The files of the page by their paths. */
const PAGE: ReadonlyMap<string, { readonly name: keyof PageFiles; readonly type: string }> = new Map([
  ['/', { name: 'index.html', type: 'text/html; charset=utf-8' }],
  ['/icon.svg', { name: 'icon.svg', type: 'image/svg+xml' }],
  ['/console.js', { name: 'console.js', type: 'text/javascript; charset=utf-8' }],
  ['/console.css', { name: 'console.css', type: 'text/css; charset=utf-8' }],
]);

/** Starts the console. Errors: a Failure if the port is taken. */
export async function startConsole(options: ConsoleOptions): Promise<RunningConsole> {
  const server = createServer();
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.requestTimeout = 0; // an upload may take hours; `request-body.ts` ends one that has stopped
  server.maxConnections = MAX_CONNECTIONS;
  await listen(server, options);
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The console has no port.');
  const service = new ConsoleService(options, `http://${HOST}:${address.port}`);
  server.on('request', (request, response) => void service.answer(request, response));
  return {
    url: service.url,
    connect: () => service.connect(),
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
      await service.close();
    },
  };
}

async function listen(server: Server, { port }: ConsoleOptions): Promise<void> {
  try {
    await once(server.listen(port ?? DEFAULT_PORT, HOST), 'listening');
  } catch (cause) {
    if (Object(cause).code !== 'EADDRINUSE') throw cause;
    if (port !== undefined)
      throw new Failure(`Port ${port} is taken. Choose another with --port.`, { cause });
    await once(server.listen(0, HOST), 'listening');
  }
}

class ConsoleService {
  readonly #options: ConsoleOptions;
  readonly #origin: string;
  readonly #token = new Token();
  #api: Promise<ConsoleApi> | undefined;
  #page: Promise<PageFiles> | undefined;

  constructor(options: ConsoleOptions, origin: string) {
    this.#options = options;
    this.#origin = origin;
  }

  get url(): string {
    return `${this.#origin}/#token=${this.#token.text}`;
  }

  /** Answers one request. Never throws. */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    setProtectiveHeaders(response);
    const refusal = refusalOf(request, this.#origin) ?? this.#refusalWithoutToken(request);
    try {
      if (refusal) await refuse(response, refusal);
      else if (/^\/(api|download)\//.test(request.url ?? ''))
        await (await this.#openApi()).answer(request, response);
      else await this.#sendPage(request, response);
    } catch (error) {
      const { refusalFor, sendError } = await import('./http/answers.ts');
      sendError(response, refusalFor(error));
    }
  }

  async connect(): Promise<void> {
    await this.#openApi();
  }

  async close(): Promise<void> {
    await (await this.#api?.catch(() => undefined))?.close();
  }

  #refusalWithoutToken({ url = '', headers }: IncomingMessage): Refusal | undefined {
    if (!url.startsWith('/api/') || this.#token.isIn(headers.authorization)) return undefined;
    const message =
      'The console was started again, or its address is not whole. Open the address that it prints.';
    return { status: 401, code: 'no_token', message };
  }

  /** A connection that failed is tried again at the next request. */
  #openApi(): Promise<ConsoleApi> {
    this.#api ??= import('./console-api.ts').then(({ openConsoleApi }) => openConsoleApi(this.#options));
    this.#api.catch(() => {
      this.#api = undefined;
    });
    return this.#api;
  }

  async #sendPage({ url = '', method }: IncomingMessage, response: ServerResponse): Promise<void> {
    const file = method === 'GET' ? PAGE.get(url) : undefined;
    if (file === undefined) {
      await refuse(response, { status: 404, code: 'not_found', message: 'There is no such page.' });
      return;
    }
    const { pageFiles } = await import('./page-files.ts');
    this.#page ??= pageFiles();
    this.#page.catch(() => {
      this.#page = undefined;
    });
    const body = Buffer.from((await this.#page)[file.name]);
    response.writeHead(200, { 'content-type': file.type, 'content-length': body.length }).end(body);
  }
}

async function refuse(response: ServerResponse, refusal: Refusal): Promise<void> {
  const { sendError } = await import('./http/answers.ts');
  sendError(response, refusal);
}
