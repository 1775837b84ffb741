/** Destroys a stream or connection when the other side gives no sign for so long, so that what waits for it fails. */
export async function unlessSilent<T>(
  milliseconds: number,
  connection: { destroy(error: Error): unknown },
  expected: Promise<T>,
): Promise<T> {
  const silence = Object.assign(new Error(`silent for ${milliseconds} ms`), { code: 'ETIMEDOUT' });
  const timer = setTimeout(() => connection.destroy(silence), milliseconds);
  try {
    return await expected;
  } finally {
    clearTimeout(timer);
  }
}
