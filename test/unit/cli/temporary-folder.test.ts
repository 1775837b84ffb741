import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const MODULE = new URL('../../../bin/terminal/temporary-folder.ts', import.meta.url).href;
const directory = mkdtempSync(join(tmpdir(), 'batchdrop-tests-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Runs a program that has made the folder `folder` with a file in it. Returns how it ended and what it left behind. */
async function endOf(program: string): Promise<{ end: unknown[]; left: string[] }> {
  const begin = `
    import { existsSync, writeFileSync } from 'node:fs';
    import { join } from 'node:path';
    import { temporaryFolder } from '${MODULE}';
    const folder = temporaryFolder('batchdrop-rows');
    writeFileSync(join(folder.path, 'requests.jsonl'), 'rows of the user');
    const untilLater = () => new Promise((resolve) => setTimeout(resolve, 60_000));`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', begin + program], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, TMPDIR: directory },
  });
  const end = await once(child, 'exit');
  return { end, left: readdirSync(directory).filter((name) => name.startsWith('batchdrop-rows')) };
}

describe('a temporary folder', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'])('is deleted when %s ends the process', async (signal) => {
    const { end, left } = await endOf(`process.kill(process.pid, '${signal}'); await untilLater();`);
    expect({ end, left }).toEqual({ end: [null, signal], left: [] });
  });

  it('is there until the end of a process that handles the signal itself', async () => {
    const { end, left } = await endOf(`
      process.once('SIGTERM', () => process.exit(existsSync(folder.path) ? 3 : 1));
      process.kill(process.pid, 'SIGTERM');
      await untilLater();`);
    expect({ end, left }).toEqual({ end: [3, null], left: [] });
  });

  it('is deleted by a second signal, which ends such a process at once', async () => {
    const { end, left } = await endOf(`
      process.once('SIGTERM', () => process.kill(process.pid, 'SIGTERM'));
      process.kill(process.pid, 'SIGTERM');
      await untilLater();`);
    expect({ end, left }).toEqual({ end: [null, 'SIGTERM'], left: [] });
  });

  it('is deleted when an error ends the process', async () => {
    const { end, left } = await endOf('setTimeout(() => process.exit(7));');
    expect({ end, left }).toEqual({ end: [7, null], left: [] });
  });

  it('leaves signals alone once it is discarded', async () => {
    const { end, left } = await endOf(`
      folder.discard();
      folder.discard();
      const counts = ['SIGINT', 'SIGTERM', 'SIGHUP', 'exit'].map((name) => process.listenerCount(name));
      process.exit(counts.every((count) => count === 0) ? 3 : 1);`);
    expect({ end, left }).toEqual({ end: [3, null], left: [] });
  });
});
