/** Reads a request file in one of several ways; a child of `check-figures.ts`. */
import { createReadStream, openSync, readSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { ENDPOINTS, FILE_LIMITS, PART_LIMITS } from '../../functions/shared/contract/request-file.ts';
import { validateRequestFile } from '../../functions/shared/request-file/validate-request-file.ts';
import { createInMemoryRowTables } from '../fakes/in-memory-row-tables.ts';
import { report } from './in-child.ts';

const [way = '', file = ''] = process.argv.slice(2);
const BLOCK_BYTES = 1024 * 1024; // what suits us best; `readline` is faster with Node's own 64 KiB

const WAYS: Record<string, () => Promise<Record<string, number>>> = {
  ours: async () => {
    const read = () => createReadStream(file, { highWaterMark: BLOCK_BYTES });
    const checked = await validateRequestFile(read, createInMemoryRowTables());
    if (checked.verdict === 'bad') throw new Error(JSON.stringify(checked.findings[0]));
    return { rows: checked.rows, parts: checked.parts.length };
  },
  readline: checkByReadline,
  floor: async () => {
    const block = Buffer.alloc(BLOCK_BYTES);
    const descriptor = openSync(file, 'r');
    let bytes = 0;
    for (let read = -1; read !== 0; bytes += read) read = readSync(descriptor, block);
    return { bytes };
  },
};

/** What one would write: the same checks and the same plan, row by row. */
async function checkByReadline(): Promise<Record<string, number>> {
  const ids = new Set<string>();
  const parts: { rows: number; bytes: number }[] = [];
  let first: { url: string; model: string } | undefined;
  for await (const line of createInterface({ input: createReadStream(file) })) {
    if (line.trim() === '') continue;
    const { custom_id: id, method, url, body } = JSON.parse(line);
    if (typeof id !== 'string' || id === '' || Buffer.byteLength(id) > FILE_LIMITS.customIdBytes)
      refuse(line);
    if (!id.isWellFormed() || ids.has(id)) refuse(line);
    ids.add(id);
    if (method !== 'POST' || !ENDPOINTS.includes(url) || typeof body !== 'object' || body === null)
      refuse(line);
    const { model, stream } = body;
    if (typeof model !== 'string' || model === '' || !model.isWellFormed() || stream === true) refuse(line);
    first ??= { url, model };
    if (url !== first.url || model !== first.model) refuse(line);
    const bytes = Buffer.byteLength(line) + 1;
    let part = parts.at(-1);
    if (!part || part.rows >= PART_LIMITS.rows || part.bytes + bytes > PART_LIMITS.bytes) {
      part = { rows: 0, bytes: 0 };
      parts.push(part);
    }
    part.rows += 1;
    part.bytes += bytes;
  }
  return { rows: ids.size, parts: parts.length };
}

function refuse(line: string): never {
  throw new Error(`refused: ${line.slice(0, 100)}`);
}

const read = WAYS[way];
if (!read) throw new Error(`no such way: ${way}`);
await report(read);
