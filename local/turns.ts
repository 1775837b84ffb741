/** Lets at most `limit` works of the same name run at once; the others wait, first come, first served. */
export class Turns {
  readonly #limit: number;
  readonly #running = new Map<string, number>();
  readonly #waiting = new Map<string, (() => void)[]>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** How many works of this name wait. */
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

  /** Hands the place to the next, or frees it. */
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
