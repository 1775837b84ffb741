import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RequestFiles } from '../../../functions/shared/ports/ports.ts';
import { bytesOf, patternOf } from './bytes.ts';

/** A request bucket with versioning. */
export interface RequestFilesUnderTest {
  files: RequestFiles;
  /** Uploads a version. Returns its id and the time of the upload in milliseconds. */
  put(
    key: string,
    body: Uint8Array,
    metadata?: Record<string, string>,
  ): Promise<{ versionId: string; at: number }>;
  remove(file: { bucket: string; key: string; versionId: string }): Promise<void>;
  setTags(
    file: { bucket: string; key: string; versionId: string },
    tags: Record<string, string>,
  ): Promise<void>;
  tagsOf(file: { bucket: string; key: string; versionId: string }): Promise<Record<string, string>>;
  bucket: string;
  close(): Promise<void>;
}

/** The contract of every request bucket. */
export function describeRequestFilesContract(name: string, make: () => Promise<RequestFilesUnderTest>): void {
  describe(`${name} as the request bucket`, () => {
    let made: RequestFilesUnderTest;
    beforeAll(async () => {
      made = await make();
    });
    afterAll(() => made.close());
    const put = async (key: string, body: Uint8Array, metadata?: Record<string, string>) => {
      const { versionId, at } = await made.put(key, body, metadata);
      return { file: { bucket: made.bucket, key, versionId }, at };
    };

    it('returns the size, the checksum, the time and the metadata of a version', async () => {
      const { file, at } = await put('in/a ü+%.jsonl', Buffer.from('hello'), { 'Batch-Team': 'search' });
      expect(await made.files.head(file)).toEqual({
        size: 5,
        etag: '5d41402abc4b2a76b9719d911017c592',
        checksum: { algorithm: 'CRC32', value: 'NhCmhg==' },
        lastModified: Math.floor(at / 1000) * 1000,
        metadata: { 'batch-team': 'search' },
      });
    });

    it('reads the named version, even if there is a newer one', async () => {
      const older = await put('twice.jsonl', Buffer.from('older'));
      const newer = await put('twice.jsonl', Buffer.from('newer one'));
      expect((await bytesOf(made.files.read(older.file))).toString()).toBe('older');
      expect((await bytesOf(made.files.read(newer.file))).toString()).toBe('newer one');
      expect((await made.files.head(older.file))?.size).toBe(5);
    });

    it('reads exact ranges, and a range beyond the end up to the end', async () => {
      const body = patternOf(300_000);
      const { file } = await put('large.jsonl', body);
      for (const [start, end] of [
        [0, 1],
        [99_999, 200_001],
        [299_999, 300_000],
        [0, 300_000],
        [299_990, 400_000],
      ] as const) {
        expect(await bytesOf(made.files.read(file, { start, end }))).toEqual(body.subarray(start, end));
      }
      expect(await bytesOf(made.files.read(file))).toEqual(body);
      expect(await bytesOf(made.files.read(file, { start: 7, end: 7 }))).toHaveLength(0);
      const beyond = bytesOf(made.files.read(file, { start: 300_000, end: 300_001 }));
      await expect(beyond).rejects.toMatchObject({ name: 'TerminalError', code: 'invalid_range' });
    });

    it('reads an empty file', async () => {
      const { file } = await put('empty.jsonl', Buffer.alloc(0));
      expect((await made.files.head(file))?.size).toBe(0);
      expect(await bytesOf(made.files.read(file))).toHaveLength(0);
    });

    it('reports a deleted version as gone', async () => {
      const { file } = await put('gone.jsonl', Buffer.from('x'));
      await made.remove(file);
      expect(await made.files.head(file)).toBeUndefined();
      const read = bytesOf(made.files.read(file));
      await expect(read).rejects.toMatchObject({ name: 'TerminalError', code: 'object_gone' });
      expect(await made.files.head({ ...file, key: 'never.jsonl' })).toBeUndefined();
    });

    it('adds a tag to one version and keeps its other tags', async () => {
      const older = await put('tagged ü.jsonl', Buffer.from('older'));
      const newer = await put('tagged ü.jsonl', Buffer.from('newer'));
      await made.setTags(older.file, { team: 'search', 'batchdrop-job': 'other' });
      expect(await made.files.tagEnded(older.file)).toBe('tagged');
      expect(await made.files.tagEnded(older.file)).toBe('tagged');
      expect(await made.tagsOf(older.file)).toEqual({ team: 'search', 'batchdrop-job': 'ended' });
      expect(await made.tagsOf(newer.file)).toEqual({});
      expect((await bytesOf(made.files.read(older.file))).toString()).toBe('older');
    });

    it('changes no tags of a version that has ten others', async () => {
      const { file } = await put('full.jsonl', Buffer.from('x'));
      const ten = Object.fromEntries(Array.from({ length: 10 }, (_, at) => [`tag-${at}`, 'x']));
      await made.setTags(file, ten);
      expect(await made.files.tagEnded(file)).toBe('full');
      expect(await made.tagsOf(file)).toEqual(ten);
    });

    it('reports that there is no version to tag', async () => {
      const { file } = await put('untagged.jsonl', Buffer.from('x'));
      await made.remove(file);
      expect(await made.files.tagEnded(file)).toBe('gone');
    });

    it('lets a reader stop in the middle of a file', async () => {
      const { file } = await put('long.jsonl', patternOf(2_000_000));
      for await (const piece of made.files.read(file)) {
        expect(piece.length).toBeGreaterThan(0);
        break;
      }
      expect((await made.files.head(file))?.size).toBe(2_000_000);
    });
  });
}
