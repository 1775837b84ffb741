import { createHash } from 'node:crypto';
import { TerminalError } from '../../functions/shared/domain/errors.ts';
import type { ObjectWriter, ResultStore } from '../../functions/shared/ports/ports.ts';
import { rangeOf } from './in-memory-range.ts';

/** A results bucket whose objects tests can read. */
export interface InMemoryResults extends ResultStore {
  /** Returns every visible object. */
  objects(): Map<string, { body: Uint8Array; contentType: string }>;
  /** Returns the multipart uploads that are neither completed nor aborted. */
  openUploads(): { key: string; uploadId: string }[];
}

interface Upload {
  key: string;
  contentType: string;
  pieces: Map<number, { body: Buffer; etag: string }>;
}

const SMALLEST_PIECE_BYTES = 5 * 1024 * 1024; // S3's minimum, except for the last

/** A bucket in memory. */
export function createInMemoryResults(): InMemoryResults {
  const objects = new Map<string, { body: Buffer; contentType: string }>();
  const uploads = new Map<string, Upload>();
  let begun = 0;

  const stored = (key: string): Buffer => {
    const object = objects.get(key);
    if (object === undefined) throw new TerminalError('object_gone', `read ${key}: there is no such object`);
    return object.body;
  };
  const keep = (key: string, uploadId: string, partNumber: number, body: Buffer): string => {
    const upload = uploads.get(uploadId);
    if (upload?.key !== key)
      throw new TerminalError('upload_gone', `upload to ${key}: the upload is unknown`);
    const etag = createHash('md5').update(body).digest('hex');
    upload.pieces.set(partNumber, { body, etag });
    return etag;
  };

  return {
    async put(key, body, contentType) {
      objects.set(key, { body: Buffer.from(body), contentType });
    },
    openWriter: (key, contentType) =>
      writerTo((body) => {
        objects.set(key, { body, contentType });
      }),
    size: async (key) => objects.get(key)?.body.length,
    async *read(key, range) {
      yield* rangeOf(stored(key), range);
    },
    keysUnder: async (prefix) => [...objects.keys()].filter((key) => key.startsWith(prefix)).sort(),
    async remove(keys) {
      for (const key of keys) objects.delete(key);
    },
    async beginUpload(key, contentType) {
      begun += 1;
      const uploadId = `upload-${begun}`;
      uploads.set(uploadId, { key, contentType, pieces: new Map() });
      return uploadId;
    },
    uploadBytes: async (key, uploadId, partNumber, body) =>
      keep(key, uploadId, partNumber, Buffer.from(body)),
    uploadCopy: async (key, uploadId, partNumber, source) =>
      keep(key, uploadId, partNumber, Buffer.from(stored(source.key).subarray(source.start, source.end))),
    async completeUpload(key, uploadId, etags) {
      const upload = uploads.get(uploadId);
      if (upload?.key !== key) return objects.has(key);
      objects.set(key, { body: joined(upload, etags), contentType: upload.contentType });
      uploads.delete(uploadId);
      return true;
    },
    async abortUpload(key, uploadId) {
      if (uploads.get(uploadId)?.key === key) uploads.delete(uploadId);
    },
    objects: () => structuredClone(objects),
    openUploads: () => [...uploads].map(([uploadId, { key }]) => ({ key, uploadId })),
  };
}

function writerTo(close: (body: Buffer) => void): ObjectWriter {
  let pieces: Buffer[] = [];
  let open = true;
  return {
    async write(bytes) {
      if (!open) throw new Error('write after the writer was closed or aborted');
      pieces.push(Buffer.from(bytes));
    },
    async close() {
      if (!open) throw new Error('close after the writer was closed or aborted');
      open = false;
      const body = Buffer.concat(pieces);
      close(body);
      return body.length;
    },
    async abort() {
      open = false;
      pieces = [];
    },
  };
}

function joined(upload: Upload, etags: string[]): Buffer {
  const bodies = etags.map((etag, index) => {
    const piece = upload.pieces.get(index + 1);
    if (piece?.etag === etag) return piece.body;
    throw new TerminalError('InvalidPart', `complete ${upload.key}: part ${index + 1} is missing or another`);
  });
  const small = bodies.slice(0, -1).findIndex((body) => body.length < SMALLEST_PIECE_BYTES);
  if (small >= 0)
    throw new TerminalError('EntityTooSmall', `complete ${upload.key}: part ${small + 1} is under 5 MiB`);
  return Buffer.concat(bodies);
}
