import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { Browser } from 'playwright-core';

const PAGE = readFileSync(new URL('thieving-page.html', import.meta.url));

/** The name of the thief's page. The browser resolves it to 127.0.0.1, as the thief's own name server could. */
export const THIEF_HOST = 'thief.example';

/** What the page tries to reach. */
export interface Prey {
  /** `http://host:port`. */
  readonly base: string;
  readonly requestBucket: string;
  /** `/<account>/<queue>`. */
  readonly queuePath: string;
  readonly secret: string;
}

/** What the page could read with each method; `nothing` if it could not even read a status. */
export type Loot = Readonly<Record<string, string>>;

/** A web server with the thief's page, on another port of this machine. */
export class Thief {
  readonly #browser: Browser;
  readonly port: number;
  readonly close: () => Promise<void>;

  private constructor(browser: Browser, server: Serving) {
    this.#browser = browser;
    this.port = server.port;
    this.close = server.close;
  }

  static async open(browser: Browser): Promise<Thief> {
    return new Thief(
      browser,
      await serve((_, response) => response.setHeader('content-type', 'text/html').end(PAGE)),
    );
  }

  /** Opens the page at `host`, which is another origin than its target. */
  from(host: string, prey: Prey): Promise<Loot> {
    return this.#attack(`http://${host}:${this.port}/`, prey);
  }

  /** The page came from the thief, whose name now resolves to the target. For the browser, both are one origin. */
  rebound(prey: Prey): Promise<Loot> {
    const { port } = new URL(prey.base);
    const base = `http://${THIEF_HOST}:${port}`;
    return this.#attack(`${base}/`, { ...prey, base });
  }

  async #attack(pageUrl: string, prey: Prey): Promise<Loot> {
    const context = await this.#browser.newContext();
    try {
      const page = await context.newPage();
      // The thief's own response, from before its name was changed.
      await page.route(pageUrl, (route) =>
        route.request().isNavigationRequest() && route.request().frame().parentFrame() === null
          ? route.fulfill({ contentType: 'text/html', body: PAGE })
          : route.continue(),
      );
      await page.goto(pageUrl);
      return await page.evaluate(`attack(${JSON.stringify({ ...prey, waitMs: 2_000 })})`);
    } finally {
      await context.close();
    }
  }
}

interface Serving {
  readonly port: number;
  close(): Promise<void>;
}

/** Serves on a free port of 127.0.0.1. */
export async function serve(
  answer: (request: IncomingMessage, response: ServerResponse) => unknown,
): Promise<Serving> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('there is no port');
  return {
    port: address.port,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Forwards everything to `base` as a program would send it, to show what an endpoint without a guard would return. */
export function unguarded(base: string): Promise<Serving> {
  return serve((received, response) => {
    const headers = Object.entries(received.headers).filter(
      ([name]) => !/^(origin|host|sec-fetch-.*)$/.test(name),
    );
    const options = { method: received.method, headers: Object.fromEntries(headers) };
    const sent = request(`${base}${received.url}`, options, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    received.pipe(sent);
  });
}
