import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ResultStore } from '../../../functions/shared/ports/ports.ts';
import { bytesOf, patternOf } from './bytes.ts';

/** An empty results bucket. */
export interface ResultsUnderTest {
  results: ResultStore;
  close(): Promise<void>;
}

const KIB = 1024;
const MIB = 1024 * KIB;
const JSONL = 'application/jsonl';

/**
 * The contract of every results bucket. `pages: false` omits the listing of more than one page, which takes seconds. A
 * store with a prefix lists in the same way and also removes the prefix, so its listing of pages covers both.
 */
export function describeResultsContract(
  name: string,
  make: () => Promise<ResultsUnderTest>,
  { pages = true } = {},
): void {
  describe(`${name} as the results bucket`, () => {
    let made: ResultsUnderTest;
    beforeAll(async () => {
      made = await make();
    });
    afterAll(() => made.close());
    itKeepsObjects(() => made.results);
    itLists(() => made.results);
    if (pages) itListsPages(() => made.results);
    itWritesAsItComes(() => made.results);
    itAssembles(() => made.results);
  });
}

function itKeepsObjects(results: () => ResultStore): void {
  it('returns what was written, text and bytes, in full and by range', async () => {
    await results().put('a ü+%/summary.json', '{"ü":1}', 'application/json');
    expect((await bytesOf(results().read('a ü+%/summary.json'))).toString()).toBe('{"ü":1}');
    expect(await results().size('a ü+%/summary.json')).toBe(8);
    const bytes = patternOf(50_000);
    await results().put('bytes', bytes, JSONL);
    expect(await bytesOf(results().read('bytes', { start: 17, end: 40_001 }))).toEqual(
      bytes.subarray(17, 40_001),
    );
  });

  it('replaces an existing object', async () => {
    await results().put('again', 'first', JSONL);
    await results().put('again', 'second', JSONL);
    expect((await bytesOf(results().read('again'))).toString()).toBe('second');
  });

  it('reports a missing object', async () => {
    expect(await results().size('nobody')).toBeUndefined();
    const read = bytesOf(results().read('nobody'));
    await expect(read).rejects.toMatchObject({ name: 'TerminalError', code: 'object_gone' });
  });

  it('removes the named objects, existing or not, and nothing else', async () => {
    const keys = Array.from({ length: 3 }, (_, n) => `remove/${n}&<ü>`);
    for (const key of [...keys, 'remove/stays']) await results().put(key, 'x', JSONL);
    await results().remove([...keys, 'remove/never']);
    await results().remove(keys);
    await results().remove([]);
    expect(await Promise.all(keys.map((key) => results().size(key)))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(await results().size('remove/stays')).toBe(1);
  });
}

function itLists(results: () => ResultStore): void {
  it('lists exactly the keys with the prefix, whatever characters they contain', async () => {
    const folder = 'in/ü +%&<a>"b"~.jsonl/job/parts/';
    const keys = ['1/a b', '1/c+d', '1/ü%20', '2/<e>&'].map((name) => folder + name);
    for (const key of [...keys, 'in/ü +%&<a>"b"~.jsonl/job/output.jsonl'])
      await results().put(key, 'x', JSONL);
    expect((await results().keysUnder(folder)).sort()).toEqual([...keys].sort());
    await results().remove(keys);
    expect(await results().keysUnder(folder)).toEqual([]);
  });
}

function itListsPages(results: () => ResultStore): void {
  it('lists more keys than fit on one page', async () => {
    const keys = Array.from({ length: 1_001 }, (_, n) => `pages/${String(n).padStart(4, '0')}`);
    for (const key of keys) await results().put(key, '', JSONL);
    expect((await results().keysUnder('pages/')).sort()).toEqual(keys);
    await results().remove(keys);
    expect(await results().keysUnder('pages/')).toEqual([]);
  });
}

function itWritesAsItComes(results: () => ResultStore): void {
  it.each([0, 5, 64 * KIB, 64 * KIB + 1, 8 * MIB, 8 * MIB + 1, 20 * MIB])(
    'writes %i bytes that come in pieces',
    async (length) => {
      const bytes = patternOf(length);
      const writer = results().openWriter(`written/${length}`, JSONL);
      for (let at = 0; at < length; at += 700_001) {
        const piece = Uint8Array.from(bytes.subarray(at, at + 700_001));
        await writer.write(piece);
        piece.fill(0); // the writer has copied what it needs
      }
      expect(await results().size(`written/${length}`)).toBeUndefined();
      expect(await writer.close()).toBe(length);
      expect((await bytesOf(results().read(`written/${length}`))).equals(bytes)).toBe(true);
    },
  );

  it('accepts a piece larger than one upload part', async () => {
    const bytes = patternOf(17 * MIB);
    const writer = results().openWriter('large-piece', JSONL);
    await writer.write(bytes);
    expect(await writer.close()).toBe(17 * MIB);
    expect((await bytesOf(results().read('large-piece'))).equals(bytes)).toBe(true);
  });

  it.each([10, 9 * MIB])('keeps nothing of %i aborted bytes, and accepts no more', async (length) => {
    const writer = results().openWriter(`aborted/${length}`, JSONL);
    await writer.write(patternOf(length));
    await writer.abort();
    await writer.abort();
    expect(await results().size(`aborted/${length}`)).toBeUndefined();
    await expect(writer.write(Buffer.from('x'))).rejects.toThrow();
    await expect(writer.close()).rejects.toThrow();
  });
}

function itAssembles(results: () => ResultStore): void {
  it('assembles an object from copies and bytes, and repeated steps have no further effect', async () => {
    const source = patternOf(6 * MIB);
    await results().put('pieces/ü 1', source, JSONL);
    const uploadId = await results().beginUpload('whole', JSONL);
    const copied = await results().uploadCopy('whole', uploadId, 1, {
      key: 'pieces/ü 1',
      start: 100,
      end: 100 + 5 * MIB,
    });
    await results().uploadBytes('whole', uploadId, 2, Buffer.from('an earlier try'));
    const last = await results().uploadBytes('whole', uploadId, 2, Buffer.from('the end'));
    expect(await results().size('whole')).toBeUndefined();
    expect(await results().completeUpload('whole', uploadId, [copied, last])).toBe(true);
    const whole = await bytesOf(results().read('whole'));
    expect(whole.equals(Buffer.concat([source.subarray(100, 100 + 5 * MIB), Buffer.from('the end')]))).toBe(
      true,
    );
    expect(await results().completeUpload('whole', uploadId, [copied, last])).toBe(true);
  });

  it('keeps nothing of an aborted upload, and aborts no other one', async () => {
    const uploadId = await results().beginUpload('given-up', JSONL);
    const etag = await results().uploadBytes('given-up', uploadId, 1, Buffer.from('x'));
    const other = await results().beginUpload('another', JSONL);
    await results().abortUpload('another', uploadId); // an upload to another key, which does not exist
    await results().abortUpload('given-up', uploadId);
    await results().abortUpload('given-up', uploadId);
    expect(await results().completeUpload('given-up', uploadId, [etag])).toBe(false);
    const whole = await results().uploadBytes('another', other, 1, Buffer.from('whole'));
    expect(await results().completeUpload('another', other, [whole])).toBe(true);
  });

  it('does not count an unknown upload as complete when its object does not exist', async () => {
    const uploadId = await results().beginUpload('elsewhere', JSONL);
    const etag = await results().uploadBytes('elsewhere', uploadId, 1, Buffer.from('x'));
    await results().completeUpload('elsewhere', uploadId, [etag]);
    await results().remove(['elsewhere']);
    expect(await results().completeUpload('elsewhere', uploadId, [etag])).toBe(false);
    const late = results().uploadBytes('elsewhere', uploadId, 2, Buffer.from('x'));
    await expect(late).rejects.toMatchObject({ name: 'TerminalError', code: 'upload_gone' });
  });

  it('refuses parts that were never uploaded, and small parts before the last', async () => {
    const uploadId = await results().beginUpload('refused', JSONL);
    const small = await results().uploadBytes('refused', uploadId, 1, Buffer.from('small'));
    const last = await results().uploadBytes('refused', uploadId, 2, Buffer.from('last'));
    const unknown = results().completeUpload('refused', uploadId, [small, small]);
    await expect(unknown).rejects.toMatchObject({ name: 'TerminalError', code: 'InvalidPart' });
    const tooSmall = results().completeUpload('refused', uploadId, [small, last]);
    await expect(tooSmall).rejects.toMatchObject({ name: 'TerminalError', code: 'EntityTooSmall' });
    expect(await results().size('refused')).toBeUndefined();
  });

  it('cannot copy from an object that does not exist', async () => {
    const uploadId = await results().beginUpload('copy', JSONL);
    const source = { key: 'never-there', start: 0, end: 10 };
    const copy = results().uploadCopy('copy', uploadId, 1, source);
    await expect(copy).rejects.toMatchObject({ name: 'TerminalError', code: 'object_gone' });
  });
}
