import { once } from 'node:events';
import { closeSync, createReadStream, openSync, readFileSync, rmSync } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { inTransaction } from '../../sqlite.ts';
import { ApiError, invalid } from '../api-error.ts';
import { ownId } from '../faults/odd-answers.ts';
import { halfOfTheLines, withForeignLines } from '../faults/odd-content.ts';
import { type Call, limitOf, page, type Route, refuseOverRate } from '../router.ts';
import type { ServerState } from '../state.ts';
import { fileOnTheWire, type StoredFile } from './file-store.ts';
import { receiveUpload } from './upload.ts';

const MAX_LISTED = 10_000;
const BATCH_FILE_LIFETIME_MS = 30 * 24 * 3_600_000;
const MINUTE = 60_000;

/** The API's operations on files. */
export function fileRoutes(state: ServerState): Route[] {
  return [
    {
      operation: 'files.create',
      method: 'POST',
      path: /^\/v1\/files$/,
      handle: (call) => createFile(state, call),
    },
    {
      operation: 'files.list',
      method: 'GET',
      path: /^\/v1\/files$/,
      handle: (call) => listFiles(state, call),
    },
    {
      operation: 'files.retrieve',
      method: 'GET',
      path: /^\/v1\/files\/([^/]+)$/,
      handle: (call) => shown(state, existing(state, call), call),
    },
    {
      operation: 'files.delete',
      method: 'DELETE',
      path: /^\/v1\/files\/([^/]+)$/,
      handle: (call) => deleteFile(state, call),
    },
    {
      operation: 'files.content',
      method: 'GET',
      path: /^\/v1\/files\/([^/]+)\/content$/,
      handle: (call) => sendContent(state, call),
    },
  ];
}

function existing(state: ServerState, { id, disturbance }: Call): StoredFile {
  const now = state.clock.now();
  const file = state.files.find(ownId(id), now);
  if (file === undefined || now - file.createdMs < disturbance.notFoundMs)
    throw new ApiError(404, `No such File object: ${id}`, { param: 'id' });
  return file;
}

/** Returns the content of a file while a fault changes it; undefined for the right content. */
function oddContent(state: ServerState, file: StoredFile, { disturbance }: Call): Buffer | undefined {
  const age = state.clock.now() - file.createdMs;
  if (file.purpose !== 'batch_output' || age >= Math.max(disturbance.foreignMs, disturbance.shortMs)) return;
  const content = readFileSync(state.files.contentPath(file.id), 'utf8');
  return Buffer.from(age < disturbance.foreignMs ? withForeignLines(content) : halfOfTheLines(content));
}

/** Returns the file as it is shown. While lines are missing, its length is that of the present lines. */
function shown(state: ServerState, file: StoredFile, call: Call): object {
  const bytes = oddContent(state, file, call)?.length ?? file.bytes;
  return fileOnTheWire({ ...file, bytes });
}

async function createFile(state: ServerState, { request }: Call): Promise<object> {
  const { files, audit, clock, limits, database } = state;
  refuseOverRate('uploads', files.uploadedOf(limits.uploadsPerMinute), MINUTE, clock.now());
  const path = files.incomingPath();
  try {
    const upload = await receiveUpload(request, path, limits.fileBytes);
    const { filename, purpose, bytes, expiresAfterSeconds } = upload;
    const createdMs = clock.now();
    const lifetime = purpose === 'batch' ? BATCH_FILE_LIFETIME_MS : null;
    const lifetimeMs = expiresAfterSeconds === null ? lifetime : expiresAfterSeconds * 1_000;
    const expiresMs = lifetimeMs === null ? null : createdMs + lifetimeMs;
    const file = inTransaction(database, () => {
      const added = files.add(path, { filename, purpose, bytes, createdMs, expiresMs });
      audit.record(createdMs, { event: 'file.created', fileId: added.id, purpose, bytes });
      return added;
    });
    audit.flush();
    return fileOnTheWire(file);
  } finally {
    rmSync(path, { force: true });
  }
}

function listFiles(state: ServerState, call: Call): object {
  const { query } = call;
  const limit = limitOf(query, MAX_LISTED, MAX_LISTED);
  const order = query.get('order') ?? 'desc';
  if (order !== 'asc' && order !== 'desc') throw invalid('order', "Invalid 'order': must be asc or desc.");
  const { after, purpose } = { after: query.get('after'), purpose: query.get('purpose') };
  const now = state.clock.now();
  const files = state.files.list({ now, purpose, after: after && ownId(after), order, limit: limit + 1 });
  return page(
    files,
    limit,
    files.map((file) => shown(state, file, call)),
  );
}

function deleteFile(state: ServerState, call: Call): object {
  const { files, batches, audit, clock, database } = state;
  const { id } = existing(state, call);
  const now = clock.now();
  inTransaction(database, () => {
    files.markDeleted(id);
    audit.record(now, { event: 'file.deleted', fileId: id });
  });
  audit.flush();
  files.release(id, now, (fileId) => batches.readsFile(fileId));
  return { id, object: 'file', deleted: true };
}

async function sendContent(state: ServerState, call: Call): Promise<null> {
  const file = existing(state, call);
  const { id, filename } = file;
  const odd = oddContent(state, file, call);
  const bytes = odd?.length ?? file.bytes;
  const path = state.files.contentPath(id);
  const fd = openSync(path, 'r'); // opened at once: a delete may follow, but an open file can still be read
  call.response.writeHead(200, {
    'content-type': 'application/octet-stream',
    'content-length': bytes,
    'content-disposition': `attachment; filename="${filename.replace(/[^\w.-]/g, '_')}"`,
  });
  const { truncates, stalls } = call.disturbance;
  if (truncates || stalls) {
    await pipeline(createReadStream(path, { fd, end: bytes >>> 1 }), call.response, { end: false });
    if (truncates) call.response.destroy();
    else if (!call.response.destroyed) await once(call.response, 'close');
    return null;
  }
  if (odd !== undefined) closeSync(fd);
  await pipeline(odd === undefined ? createReadStream(path, { fd }) : Readable.from([odd]), call.response);
  return null;
}
