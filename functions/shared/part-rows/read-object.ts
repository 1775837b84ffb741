import type { ResultStore } from '../ports/ports.ts';

/** Reads a small object, or its bytes `start` to `end` (exclusive), into memory. Errors: those of the storage. */
export async function readObject(
  results: Pick<ResultStore, 'read'>,
  key: string,
  range?: { start: number; end: number },
): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of results.read(key, range)) chunks.push(Buffer.from(chunk)); // a copy: the source may reuse its chunk
  return Buffer.concat(chunks);
}
