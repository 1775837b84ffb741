import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createDiskScratch } from '../../../functions/shared/adapters/lambda/disk-scratch.ts';
import { RetryableError } from '../../../functions/shared/domain/errors.ts';
import type { Scratch, ScratchFile } from '../../../functions/shared/ports/ports.ts';
import { createInMemoryScratch } from '../../fakes/in-memory-scratch.ts';

const directory = mkdtempSync(join(tmpdir(), 'batchdrop-scratch-test-'));
afterAll(() => rmSync(directory, { recursive: true }));

async function readFrom(file: ScratchFile, start: number, length: number): Promise<string> {
  const target = Buffer.alloc(length);
  file.read(start, target);
  return target.toString();
}

const IMPLEMENTATIONS: [string, () => Scratch][] = [
  ['on disk', () => createDiskScratch(directory, 0)],
  ['that does not fit in memory', () => createDiskScratch(directory, 4)],
  ['that is small', () => createDiskScratch(directory)],
  ['of the fake', createInMemoryScratch],
];

describe.each(IMPLEMENTATIONS)('a scratch file %s', (_, create) => {
  it('returns any range of the written bytes', async () => {
    const file = await create().open();
    await file.write(Buffer.from('one'));
    await file.write(Buffer.from('twothree'));
    expect(await readFrom(file, 2, 5)).toBe('etwot');
    expect(await readFrom(file, 11, 0)).toBe('');
    await file.discard();
  });

  it('copies the written bytes, so that the caller may reuse its buffer', async () => {
    const file = await create().open();
    const bytes = Buffer.from('abc');
    await file.write(bytes);
    bytes.fill('x');
    await file.write(Buffer.from('def'));
    expect(await readFrom(file, 0, 6)).toBe('abcdef');
    await file.discard();
  });

  it('throws for a read beyond its end', async () => {
    const file = await create().open();
    await file.write(Buffer.from('abc'));
    await expect(readFrom(file, 1, 3)).rejects.toThrow(RangeError);
    await file.discard();
  });

  it('is independent of other scratch files, and may be discarded twice', async () => {
    const scratch = create();
    const [first, second] = [await scratch.open(), await scratch.open()];
    await first.write(Buffer.from('1'));
    await second.write(Buffer.from('2'));
    await first.discard();
    await first.discard();
    expect(await readFrom(second, 0, 1)).toBe('2');
    await second.discard();
  });
});

describe('a scratch file on disk', () => {
  it('has no name, so its space is freed however the process ends', async () => {
    const file = await createDiskScratch(directory, 0).open();
    await file.write(Buffer.from('abc'));
    expect(readdirSync(directory)).toEqual([]);
    await file.discard();
  });

  it('that does not fit on the disk causes a retryable error', async () => {
    const file = await createDiskScratch(join(directory, 'missing'), 0).open();
    await expect(file.write(Buffer.from('abc'))).rejects.toThrow(RetryableError);
    await file.discard();
  });
});
