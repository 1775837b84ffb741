/**
 * Waits for `expected`, and destroys the stream or connection after `milliseconds` without it, so that `expected`
 * fails.
 */
export async function withIdleTimeout<T>(
  milliseconds: number,
  connection: { destroy(error: Error): unknown },
  expected: Promise<T>,
): Promise<T> {
  // Create the error only when needed: its stack costs more than to read a chunk.
  const timer = setTimeout(() => {
    connection.destroy(Object.assign(new Error(`no data for ${milliseconds} ms`), { code: 'ETIMEDOUT' }));
  }, milliseconds);
  try {
    return await expected;
  } finally {
    clearTimeout(timer);
  }
}
