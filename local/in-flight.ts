/** Calls that a close has to wait for. */
export class InFlight {
  readonly #calls = new Set<Promise<unknown>>();

  /** Answers or fails as the call does: it is under way until then. */
  add<T>(call: Promise<T>): Promise<T> {
    const ending = call.finally(() => this.#calls.delete(ending));
    this.#calls.add(ending);
    return ending;
  }

  /** Once every call that was under way has ended. */
  async ended(): Promise<void> {
    await Promise.allSettled(this.#calls);
  }
}
