import { TerminalError } from '../../../functions/shared/domain/errors.ts';
import type { S3ObjectRef } from '../../../functions/shared/domain/outgoing-event.ts';
import type { Clock, ObjectFacts, RequestCopies } from '../../../functions/shared/ports/ports.ts';
import { createInMemoryRequestFiles } from '../in-memory-request-files.ts';

/** A copy that was made. */
export interface MadeCopy extends S3ObjectRef {
  body: string;
  metadata: Record<string, string>;
}

/** Buckets that files are copied from, in memory. Each copy is kept for the test. */
export interface InMemoryCopies extends RequestCopies {
  put(bucket: string, key: string, body: string, metadata?: Record<string, string>): void;
  remove(bucket: string, key: string): void;
  /** From now on, S3 refuses to show this bucket. */
  deny(bucket: string): void;
  /** Returns all copies, oldest first. */
  made(): MadeCopy[];
}

export function createInMemoryCopies(options: { clock: Clock }): InMemoryCopies {
  const store = createInMemoryRequestFiles(options); // it knows the facts of S3's objects
  const objects = new Map<string, { body: string; facts: ObjectFacts }>();
  const denied = new Set<string>();
  const made: MadeCopy[] = [];
  const nameOf = ({ bucket, key }: S3ObjectRef) => JSON.stringify([bucket, key]);
  return {
    put(bucket, key, body, metadata) {
      const { versionId: _, ...facts } = store.put(bucket, key, body, metadata);
      objects.set(nameOf({ bucket, key }), { body, facts });
    },
    remove: (bucket, key) => void objects.delete(nameOf({ bucket, key })),
    deny: (bucket) => void denied.add(bucket),
    made: () => [...made],
    async look(source) {
      if (denied.has(source.bucket)) throw new TerminalError('access_denied', `denied: ${source.bucket}`);
      return objects.get(nameOf(source))?.facts;
    },
    async copy({ bucket, key, etag }, { bucket: toBucket, key: toKey, metadata }) {
      const object = objects.get(nameOf({ bucket, key }));
      if (object?.facts.etag !== etag) throw new TerminalError('object_gone', `gone: ${bucket}/${key}`);
      made.push({ bucket: toBucket, key: toKey, body: object.body, metadata: { ...metadata } });
    },
  };
}
