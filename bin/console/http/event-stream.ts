import type { ServerResponse } from 'node:http';
import type { Follower } from '../jobs/live-jobs.ts';

const KEEP_ALIVE_MS = 15_000; // proxies and tunnels cut what is silent for a minute
const MAX_BEHIND_MS = 60_000;

/** Server-sent events to one page. Nothing is queued for a page that does not read: it is behind, and at last cut. */
export class EventStream implements Follower {
  readonly #response: ServerResponse;
  readonly #keepAlive: NodeJS.Timeout;
  #behindMs = 0;

  constructor(response: ServerResponse) {
    this.#response = response;
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.flushHeaders();
    this.#keepAlive = setInterval(() => this.#stayAlive(), KEEP_ALIVE_MS).unref();
    response.once('close', () => clearInterval(this.#keepAlive));
  }

  get isBehind(): boolean {
    return this.#response.writableNeedDrain;
  }

  send(event: string, data: object): void {
    this.#response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  #stayAlive(): void {
    this.#behindMs = this.isBehind ? this.#behindMs + KEEP_ALIVE_MS : 0;
    if (this.#behindMs >= MAX_BEHIND_MS) this.#response.destroy();
    else if (!this.isBehind) this.#response.write(': still here\n\n');
  }
}
