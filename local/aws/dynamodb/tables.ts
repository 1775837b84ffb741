import type { Server } from 'node:http';
import { callDynalite, type DynaliteAnswer, type DynaliteRequest } from './dynalite-call.ts';
import { Entries } from './entries.ts';
import { openDynalite } from './open-dynalite.ts';

const WRITES = new Set([
  'PutItem',
  'UpdateItem',
  'DeleteItem',
  'BatchWriteItem',
  'DeleteTable',
  'TagResource',
  'UntagResource',
]);

/**
 * Tables with their indexes, on disk. A write is one transaction: a process that is killed meanwhile leaves an item and its
 * index entries either all as before, or all as after.
 */
export class Tables {
  readonly #entries: Entries;
  readonly #dynalite: Server;

  constructor(directory: string) {
    this.#entries = new Entries(directory);
    this.#dynalite = openDynalite(this.#entries);
  }

  /** Rejects if the store fails, for example because the disk is full. Then a write has changed nothing. */
  async call(operation: string, request: DynaliteRequest): Promise<DynaliteAnswer> {
    if (WRITES.has(operation)) return this.#entries.inTransaction(() => this.#atOnce(request));
    return new Promise((resolve) => callDynalite(this.#dynalite, request, resolve));
  }

  close(): void {
    this.#entries.close();
  }

  #atOnce(request: DynaliteRequest): DynaliteAnswer {
    let answer: DynaliteAnswer | undefined;
    callDynalite(this.#dynalite, request, (given) => {
      answer = given;
    });
    if (answer === undefined) throw new Error('Dynalite responded to a write only later, so it was undone.');
    return answer;
  }
}
