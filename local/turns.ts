/** Lets at most `limit` pieces of work with the same name run at once. The others wait, in order of arrival. */
export class Turns {
  readonly #limit: number;
  readonly #running = new Map<string, number>();
  readonly #waiting = new Map<string, (() => void)[]>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Returns how many pieces of work with this name wait. */
  waiting(name: string): number {
    return this.#waiting.get(name)?.length ?? 0;
  }

  async run<T>(name: string, work: () => Promise<T>): Promise<T> {
    const running = this.#running.get(name) ?? 0;
    if (running >= this.#limit) await this.#turn(name);
    else this.#running.set(name, running + 1);
    try {
      return await work();
    } finally {
      this.#end(name);
    }
  }

  #turn(name: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.set(name, [...(this.#waiting.get(name) ?? []), resolve]);
    return promise;
  }

  /** Passes the turn to the next one, or frees it. */
  #end(name: string): void {
    const [next, ...others] = this.#waiting.get(name) ?? [];
    if (others.length > 0) this.#waiting.set(name, others);
    else this.#waiting.delete(name);
    const left = (this.#running.get(name) ?? 1) - 1;
    if (next !== undefined) next();
    else if (left > 0) this.#running.set(name, left);
    else this.#running.delete(name);
  }
}
