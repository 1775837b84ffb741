/** The parts of one job lie in one partition of the ledger, which takes about a thousand writes a second. */
export const PARTS_AT_ONCE = 4;

/** Works through the items in order, so many at a time; what is added to them meanwhile is worked on, too. */
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
