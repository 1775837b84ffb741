import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const MODULE = fileURLToPath(new URL('../../local/lambda/peak-memory.ts', import.meta.url));
const MB = 1024 * 1024;

/** Runs a process that allocates memory, and returns its own figure. */
async function peakOf(allocatedMb: number): Promise<number> {
  const program = `
    import { peakMemoryMb } from ${JSON.stringify(MODULE)};
    const held = Buffer.alloc(${allocatedMb * MB}, 1);
    console.log(peakMemoryMb() + 0 * held.length);`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program]);
  return Number(stdout);
}

it('the peak memory of a process is its own, and not that of the process that started it', async () => {
  const held = Buffer.alloc(400 * MB, 1);
  const [little, much] = [await peakOf(0), await peakOf(200)];
  expect(held.length).toBe(400 * MB);
  expect(little).toBeGreaterThan(20);
  expect(little).toBeLessThan(200);
  expect(much - little).toBeGreaterThan(150);
  expect(much).toBeLessThan(400);
});
