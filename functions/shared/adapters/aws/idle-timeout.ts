/** Destroys a stream or connection when the other side gives no sign for so long, so that what waits for it fails. */
export async function withIdleTimeout<T>(
  milliseconds: number,
  connection: { destroy(error: Error): unknown },
  expected: Promise<T>,
): Promise<T> {
  // The error is made when it is needed: with its stack it would cost more than reading a piece does.
  const timer = setTimeout(() => {
    connection.destroy(Object.assign(new Error(`silent for ${milliseconds} ms`), { code: 'ETIMEDOUT' }));
  }, milliseconds);
  try {
    return await expected;
  } finally {
    clearTimeout(timer);
  }
}
