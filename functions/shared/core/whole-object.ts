import type { ResultStore } from './ports.ts';

/** A small object at once: row tables and row states have a known, small size. Errors: as the storage's. */
export async function wholeObject(results: Pick<ResultStore, 'read'>, key: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of results.read(key)) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}
