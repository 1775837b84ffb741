/**
 * How many parts of one job are processed at once. They share a ledger partition, which allows about a thousand writes
 * per second.
 */
export const PARTS_AT_ONCE = 4;

/**
 * Processes the items in order, `width` at a time, including items that are added meanwhile. Errors: those of `work`.
 */
export async function inParallel<T>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async () => {
    for (let item = items[next++]; item !== undefined; item = items[next++]) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, worker));
}
