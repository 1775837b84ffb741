/** Running calls that `close` must wait for. */
export class InFlight {
  readonly #calls = new Set<Promise<unknown>>();

  /** Tracks the call until it settles, and returns its result. */
  add<T>(call: Promise<T>): Promise<T> {
    const ending = call.finally(() => this.#calls.delete(ending));
    this.#calls.add(ending);
    return ending;
  }

  /** Resolves once every call that is running now has ended. */
  async ended(): Promise<void> {
    await Promise.allSettled(this.#calls);
  }
}
