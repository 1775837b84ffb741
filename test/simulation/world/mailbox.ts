import type { FaultBook } from '../faults/fault-book.ts';
import type { Chance } from './chance.ts';
import { type FunctionName, MINUTE, visibilityOf } from './invocation.ts';
import type { Timeline } from './timeline.ts';

export interface Message {
  to: FunctionName;
  id: string;
  body: string;
  sentAt: number;
  receives: number;
}

const LATEST_MS = 30 * MINUTE;
const OVERTAKEN_MS = 40_000;
const BUSY_MS = 700;

/** The queues. Messages arrive at least once and in any order, and again if they were not deleted. */
export class Mailbox {
  readonly #timeline: Timeline;
  readonly #chance: Chance;
  readonly #faults: FaultBook;
  /** Begins an invocation. Returns false when too many are running. `done` deletes the message. */
  readonly #begin: (message: Message, done: () => void) => boolean;
  readonly #waiting = new Set<Message>();
  readonly #names = new Set<string>();

  constructor(
    timeline: Timeline,
    chance: Chance,
    faults: FaultBook,
    begin: (message: Message, done: () => void) => boolean,
  ) {
    this.#timeline = timeline;
    this.#chance = chance;
    this.#faults = faults;
    this.#begin = begin;
  }

  /**
   * `from` identifies this send, with the same name in every replay. Only messages that POLL sends again may be lost.
   */
  send(
    to: FunctionName,
    body: string,
    from: string,
    options: { losable?: true; afterMs?: number } = {},
  ): void {
    if (options.losable && this.#faults.occurs('message lost', from)) return;
    const copies = this.#faults.occurs('message twice', from) ? 2 : 1;
    const name = this.#nameFrom(from);
    for (let copy = 1; copy <= copies; copy += 1) {
      const message = { to, id: `${name}.${copy}`, body, sentAt: this.#timeline.now(), receives: 0 };
      this.#waiting.add(message);
      this.#deliverAfter(message, (options.afterMs ?? 0) + this.#delay(`${from} ${copy}`));
    }
  }

  isEmpty(): boolean {
    return this.#waiting.size === 0;
  }

  /** Returns a short name, which is the same as long as the message comes from the same send. */
  #nameFrom(from: string): string {
    let name = `m${this.#chance.between(`name ${from}`, 1000, 9999)}`;
    while (this.#names.has(name)) name += '+';
    this.#names.add(name);
    return name;
  }

  #delay(name: string): number {
    if (this.#faults.occurs('message late', name))
      return this.#chance.between(`late ${name}`, 1000, LATEST_MS);
    if (this.#faults.occurs('messages out of order', name)) return OVERTAKEN_MS;
    return this.#chance.between(`delay ${name}`, 1, 1500);
  }

  #deliverAfter(message: Message, afterMs: number): void {
    this.#timeline.at(this.#timeline.now() + afterMs, () => {
      if (!this.#waiting.has(message)) return;
      message.receives += 1;
      const began = this.#begin(message, () => this.#waiting.delete(message));
      if (!began) message.receives -= 1;
      this.#deliverAfter(message, began ? visibilityOf(message.to) : BUSY_MS);
    });
  }
}
