/**
 * Reads a request file in one of several ways, as a child of `check-figures.ts`. It is bundled like the functions,
 * because Node would otherwise compile its type stripper during the measurement.
 */
import { createReadStream, openSync, readSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { openS3Client } from '../../functions/shared/adapters/s3/open-client.ts';
import { createS3RequestFiles } from '../../functions/shared/adapters/s3/request-files.ts';
import { ENDPOINTS, FILE_LIMITS, PART_LIMITS } from '../../functions/shared/contract/request-file.ts';
import { validateRequestFile } from '../../functions/shared/request-file/validate-request-file.ts';
import { createInMemoryRowTables } from '../fakes/in-memory-row-tables.ts';
import { clientConfig } from '../local/endpoint/client-config.ts';
import { report } from './in-child.ts';

const [way = '', file = '', url = ''] = process.argv.slice(2);
const BLOCK_BYTES = 128 * 1024; // remains in the cache until it is scanned

const WAYS: Record<string, () => Promise<Record<string, number>>> = {
  /** Reuses one buffer, which shows the cost of the check itself. */
  ours: () => check(blocks),
  stream: () => check(() => createReadStream(file, { highWaterMark: BLOCK_BYTES })),
  /** Reads as INTAKE does, from S3 over HTTP. */
  wire: () => {
    const client = openS3Client({ ...clientConfig(url), forcePathStyle: true });
    const files = createS3RequestFiles({ client, owner: '111122223333' });
    return check(() => files.read({ bucket: 'requests', key: 'part.jsonl', versionId: 'v1' }));
  },
  readline: checkByReadline,
  floor: async () => {
    let bytes = 0;
    for (const block of blocks()) bytes += block.length;
    return { bytes };
  },
};

async function check(
  read: () => AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<Record<string, number>> {
  const checked = await validateRequestFile(async function* () {
    yield* read();
  }, createInMemoryRowTables());
  if (checked.verdict === 'bad') throw new Error(JSON.stringify(checked.findings[0]));
  return { rows: checked.rows, parts: checked.parts.length };
}

function* blocks(): Generator<Uint8Array> {
  const block = Buffer.alloc(BLOCK_BYTES);
  const descriptor = openSync(file, 'r');
  for (let read = readSync(descriptor, block); read > 0; read = readSync(descriptor, block))
    yield block.subarray(0, read);
}

/** The obvious implementation: the same checks and the same plan, row by row. */
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
void report(read);
