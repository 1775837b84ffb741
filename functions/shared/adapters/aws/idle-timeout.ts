/**
 * Waits for `expected`. If it takes longer than `milliseconds`, destroys the stream or connection, so that `expected`
 * fails.
 */
export async function withIdleTimeout<T>(
  milliseconds: number,
  connection: { destroy(error: Error): unknown },
  expected: Promise<T>,
): Promise<T> {
  // The error is created only when needed, because its stack trace costs more than reading a chunk.
  const timer = setTimeout(() => {
    connection.destroy(Object.assign(new Error(`no data for ${milliseconds} ms`), { code: 'ETIMEDOUT' }));
  }, milliseconds);
  try {
    return await expected;
  } finally {
    clearTimeout(timer);
  }
}
