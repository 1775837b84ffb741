import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createDiskScratch } from '../../functions/shared/adapters/disk-scratch.ts';
import type { Scratch } from '../../functions/shared/core/ports.ts';
import { createInMemoryScratch } from '../fakes/in-memory-scratch.ts';

const directory = mkdtempSync(join(tmpdir(), 'batchdrop-scratch-test-'));
afterAll(() => rmSync(directory, { recursive: true }));

const IMPLEMENTATIONS: [string, () => Scratch][] = [
  ['on disk', () => createDiskScratch(directory)],
  ['in memory', createInMemoryScratch],
];

describe.each(IMPLEMENTATIONS)('a scratch file %s', (_, create) => {
  it('gives back any stretch of what was appended', async () => {
    const file = await create().open();
    await file.append(Buffer.from('one'));
    await file.append(Buffer.from('twothree'));
    expect(Buffer.from(await file.read(2, 5)).toString()).toBe('etwot');
    expect(await file.read(11, 0)).toHaveLength(0);
    await file.discard();
  });

  it('keeps nothing of the caller: what is appended may be written over, what is read stays', async () => {
    const file = await create().open();
    const bytes = Buffer.from('abc');
    await file.append(bytes);
    bytes.fill('x');
    const read = await file.read(0, 3);
    await file.append(Buffer.from('def'));
    expect(Buffer.from(read).toString()).toBe('abc');
    await file.discard();
  });

  it('has nothing beyond its end', async () => {
    const file = await create().open();
    await file.append(Buffer.from('abc'));
    await expect(file.read(1, 3)).rejects.toThrow(RangeError);
    await file.discard();
  });

  it('is one of several, each by itself, and is discarded as often as one likes', async () => {
    const scratch = create();
    const [first, second] = [await scratch.open(), await scratch.open()];
    await first.append(Buffer.from('1'));
    await second.append(Buffer.from('2'));
    await first.discard();
    await first.discard();
    expect(Buffer.from(await second.read(0, 1)).toString()).toBe('2');
    await second.discard();
  });
});

describe('a scratch file on disk', () => {
  it('has no name: its room comes back however the process ends', async () => {
    const file = await createDiskScratch(directory).open();
    await file.append(Buffer.from('abc'));
    expect(readdirSync(directory)).toEqual([]);
    await file.discard();
  });
});
