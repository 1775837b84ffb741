import { EventEmitter } from 'node:events';
import type { Server } from 'node:http';

/** A request to dynalite, with its whole body. */
export interface DynaliteRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

export interface DynaliteAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | number>>;
  readonly body: string;
}

/**
 * Passes a request to dynalite without a socket, and calls `done` with the answer. If the request's stream fails, dynalite
 * throws outside any promise, so a client that disconnects while sending would end this process. Therefore dynalite never
 * gets a client's stream, only the events of one.
 */
export function callDynalite(
  dynalite: Server,
  request: DynaliteRequest,
  done: (answer: DynaliteAnswer) => void,
): void {
  const { method, url, headers, body } = request;
  const incoming = Object.assign(new EventEmitter(), { method, url, headers });
  dynalite.emit('request', incoming, new CapturedResponse(done));
  incoming.emit('data', body);
  incoming.emit('end');
}

/** The part of a ServerResponse that dynalite uses. */
class CapturedResponse {
  statusCode = 200;
  readonly #headers: Record<string, string | number> = {};
  readonly #done: (answer: DynaliteAnswer) => void;

  constructor(done: (answer: DynaliteAnswer) => void) {
    this.#done = done;
  }

  setHeader(name: string, value: string | number): void {
    this.#headers[name] = value;
  }

  end(body = ''): void {
    this.#done({ status: this.statusCode, headers: this.#headers, body });
  }
}
