import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { ENDED_TAG } from '../../functions/shared/contract/ended-tag.ts';
import { TerminalError } from '../../functions/shared/domain/errors.ts';
import type { Clock, ObjectFacts, RequestFiles } from '../../functions/shared/ports/ports.ts';
import { frozenCopy } from './frozen-copy.ts';
import { rangeOf } from './in-memory-range.ts';

/** A request bucket that tests fill. */
export interface InMemoryRequestFiles extends RequestFiles {
  /** Uploads a new version. `metadata`: the user's pairs without `x-amz-meta-`. */
  put(
    bucket: string,
    key: string,
    body: string | Uint8Array,
    metadata?: Record<string, string>,
  ): ObjectFacts & { versionId: string };
  /** Removes one version permanently. */
  remove(file: { bucket: string; key: string; versionId: string }): void;
  /** Sets the tags of a version. */
  setTags(file: { bucket: string; key: string; versionId: string }, tags: Record<string, string>): void;
  tagsOf(file: { bucket: string; key: string; versionId: string }): Record<string, string>;
}

const MAX_TAGS = 10; // S3's limit

/** A versioned bucket in memory. */
export function createInMemoryRequestFiles(options: { clock: Clock }): InMemoryRequestFiles {
  const versions = new Map<string, { body: Buffer; facts: ObjectFacts; tags?: Record<string, string> }>();
  let puts = 0;
  return {
    put(bucket, key, body, metadata = {}) {
      puts += 1;
      const versionId = `version-${String(puts).padStart(6, '0')}`;
      const bytes = Buffer.from(body);
      const facts: ObjectFacts = {
        size: bytes.length,
        etag: createHash('md5').update(bytes).digest('hex'),
        checksum: { algorithm: 'CRC32', value: crc32Of(bytes) }, // the SDK sends one with each PutObject
        lastModified: Math.floor(options.clock.now() / 1000) * 1000, // S3 stores whole seconds
        metadata: Object.fromEntries(
          Object.entries(metadata).map(([name, value]) => [name.toLowerCase(), value]),
        ),
      };
      versions.set(nameOf({ bucket, key, versionId }), { body: bytes, facts });
      return { ...frozenCopy(facts), versionId };
    },
    setTags(file, tags) {
      const version = versions.get(nameOf(file));
      if (version === undefined) throw new Error(`there is no such version: ${nameOf(file)}`);
      version.tags = { ...tags };
    },
    tagsOf: (file) => ({ ...versions.get(nameOf(file))?.tags }),
    async tagEnded(file) {
      const version = versions.get(nameOf(file));
      if (version === undefined) return 'gone';
      const tags = { ...version.tags, [ENDED_TAG.key]: ENDED_TAG.value };
      if (Object.keys(tags).length > MAX_TAGS) return 'full';
      version.tags = tags;
      return 'tagged';
    },
    remove: (file) => void versions.delete(nameOf(file)),
    head: async (file) => frozenCopy(versions.get(nameOf(file))?.facts),
    async *read(file, range) {
      const version = versions.get(nameOf(file));
      if (version === undefined) {
        throw new TerminalError('object_gone', `read ${file.bucket}/${file.key}: there is no such version`);
      }
      yield* rangeOf(version.body, range);
    },
  };
}

function crc32Of(bytes: Buffer): string {
  const value = Buffer.alloc(4);
  value.writeUInt32BE(crc32(bytes));
  return value.toString('base64');
}

function nameOf(file: { bucket: string; key: string; versionId: string }): string {
  return JSON.stringify([file.bucket, file.key, file.versionId]);
}
