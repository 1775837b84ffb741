/** Resolves when the process is asked to stop: Ctrl-C, a SIGTERM, or the end of its terminal. A second one ends it at once. */
export function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve());
  });
}
