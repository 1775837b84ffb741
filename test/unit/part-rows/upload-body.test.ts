import { describe, expect, it } from 'vitest';
import type { Part } from '../../../functions/shared/domain/part.ts';
import { sliceOf, uploadBody } from '../../../functions/shared/part-rows/upload-body.ts';
import { row, SmallWorld } from '../small-world.ts';

const KIBIBYTE = 1024;

/** Returns a row of so many bytes, without its line end. */
function rowOf(id: string, model: string, bytes: number): string {
  const withText = (content: string) => row(id, { body: { model, messages: [{ role: 'user', content }] } });
  return withText('x'.repeat(bytes - withText('').length));
}

/** Plans a file of these rows. Returns its parts by model, and the ranges of the file that are read from then on. */
async function planned(rows: string[]) {
  const reads: number[] = [];
  const world = new SmallWorld({
    replaced: ({ requestFiles }) => ({
      requestFiles: {
        ...requestFiles,
        read(file, range) {
          reads.push(range ? range.end - range.start : Number.NaN);
          return requestFiles.read(file, range);
        },
      },
    }),
  });
  const jobId = await world.drop('a.jsonl', rows.map((text) => `${text}\n`).join(''));
  reads.length = 0;
  const parts = new Map(world.parts(jobId).map((part) => [part.model, part]));
  const chunksOf = async (part: Part | undefined) =>
    part ? Array.fromAsync(uploadBody(world.ports, part), (chunk) => Buffer.from(chunk)) : [];
  return { world, parts, reads, chunksOf };
}

const textOf = (chunks: readonly Buffer[]) => Buffer.concat(chunks).toString();
const linesOf = (rows: readonly string[]) => rows.map((text) => `${text}\n`).join('');

describe('the upload of a part whose rows are between those of others', () => {
  it.each([300, 9 * KIBIBYTE, 70 * KIBIBYTE])('has exactly its rows, each of %i bytes', async (bytes) => {
    const rows = Array.from({ length: 30 }, (_, at) => rowOf(`r${at}`, at % 2 === 0 ? 'm' : 'n', bytes));
    const { parts, chunksOf } = await planned(rows);
    expect(textOf(await chunksOf(parts.get('m')))).toBe(linesOf(rows.filter((_, at) => at % 2 === 0)));
    expect(textOf(await chunksOf(parts.get('n')))).toBe(linesOf(rows.filter((_, at) => at % 2 === 1)));
  });

  it('comes in chunks that are never empty, and never much larger than a row', async () => {
    const rows = Array.from({ length: 20 }, (_, at) =>
      rowOf(`r${at}`, at % 2 === 0 ? 'm' : 'n', 70 * KIBIBYTE),
    );
    const { parts, chunksOf } = await planned(rows);
    const lengths = (await chunksOf(parts.get('m'))).map((chunk) => chunk.length);
    expect(lengths).toEqual(Array(10).fill(70 * KIBIBYTE + 1));
  });

  it('is read in one request where its rows are near each other, and in several where they are not', async () => {
    const between = (count: number) =>
      Array.from({ length: count }, (_, at) => rowOf(`n${at}`, 'n', 64 * KIBIBYTE - 1));
    const near = await planned([rowOf('a', 'm', 300), ...between(3), rowOf('b', 'm', 300)]);
    await near.chunksOf(near.parts.get('m'));
    expect(near.reads).toHaveLength(1);
    const far = await planned([rowOf('a', 'm', 300), ...between(5), rowOf('b', 'm', 300)]);
    expect(textOf(await far.chunksOf(far.parts.get('m')))).toBe(
      linesOf([rowOf('a', 'm', 300), rowOf('b', 'm', 300)]),
    );
    expect(far.reads).toEqual([300, 300]);
  });

  it('fails if the file ends before its last row', async () => {
    const { world, parts } = await planned([
      rowOf('a', 'm', 300),
      rowOf('b', 'n', 300),
      rowOf('c', 'm', 300),
    ]);
    const part = parts.get('m');
    const requestFiles = {
      ...world.requestFiles,
      async *read(...[file, range]: Parameters<typeof world.requestFiles.read>) {
        for await (const chunk of world.requestFiles.read(file, range))
          yield chunk.subarray(0, chunk.length - 1);
      },
    };
    const upload = part && Array.fromAsync(uploadBody({ ...world.ports, requestFiles }, part));
    await expect(upload).rejects.toThrow(/ended at byte \d+, before the part's last row/);
  });
});

describe('the slice that an admission allows', () => {
  /** Returns the slice of a part of four rows of 300 bytes, as admitted. */
  async function sliced(atMost: { uploadBytes: number; rows?: number } | undefined) {
    const { world, parts } = await planned(['a', 'b', 'c', 'd'].map((id) => rowOf(id, 'm', 299)));
    const part = parts.get('m');
    return part && sliceOf(world.ports, { ...part, admission: { at: 0, ...(atMost && { atMost }) } });
  }

  it.each([
    [undefined, undefined],
    [{ uploadBytes: 1_200 }, undefined],
    [{ uploadBytes: 1_200, rows: 4 }, undefined],
    [{ uploadBytes: 1_199 }, { end: 3, rows: 3, uploadBytes: 900 }],
    [{ uploadBytes: 600 }, { end: 2, rows: 2, uploadBytes: 600 }],
    [{ uploadBytes: 599 }, { end: 1, rows: 1, uploadBytes: 300 }],
    [{ uploadBytes: 1 }, { end: 1, rows: 1, uploadBytes: 300 }], // at least one row is sent
    [
      { uploadBytes: 9_999, rows: 3 },
      { end: 3, rows: 3, uploadBytes: 900 },
    ],
    [
      { uploadBytes: 700, rows: 3 },
      { end: 2, rows: 2, uploadBytes: 600 },
    ],
  ])('of %j is %j', async (atMost, expected) => {
    expect(await sliced(atMost)).toEqual(expected);
  });
});
