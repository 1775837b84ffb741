import { randomBytes } from 'node:crypto';

const LIFE_MS = 60_000;
const MAX_OPEN = 100; // a page asks for one at each download
const TICKET_BYTES = 32;

/** Tickets for downloads: each is good for one download, within 60 seconds. `now`: milliseconds that never go back. */
export class Tickets<What> {
  readonly #now: () => number;
  readonly #open = new Map<string, { what: What; until: number }>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Returns a new ticket. If too many are open, the oldest one ends. */
  issue(what: What): string {
    for (const [ticket, { until }] of this.#open)
      if (until <= this.#now() || this.#open.size >= MAX_OPEN) this.#open.delete(ticket);
    const ticket = randomBytes(TICKET_BYTES).toString('base64url');
    this.#open.set(ticket, { what, until: this.#now() + LIFE_MS });
    return ticket;
  }

  /** Returns what the ticket is for, and ends it. Undefined if it is unknown, used or too old. */
  redeem(ticket: string): What | undefined {
    const known = this.#open.get(ticket);
    this.#open.delete(ticket);
    return known !== undefined && known.until > this.#now() ? known.what : undefined;
  }
}
