import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DataDirectory } from '../../../local/runtime/data-directory.ts';
import { readRuntimeEndpoints } from '../../../local/runtime/runtime-endpoints.ts';
import { SavedClock } from '../../../local/runtime/saved-clock.ts';

const MODULE = new URL('../../../local/runtime/data-directory.ts', import.meta.url).href;

let parent: string;
let path: string;

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'batchdrop-data-'));
  path = join(parent, 'data');
});

afterEach(() => rmSync(parent, { recursive: true, force: true }));

describe('a data directory', () => {
  it('can be used by one runtime at a time', () => {
    const first = new DataDirectory(path, 'local');
    expect(() => new DataDirectory(path, 'local')).toThrow(
      /is in use by another runtime: stop it, or choose/,
    );
    first.release();
    new DataDirectory(path, 'local').release();
  });

  it('is unlocked as soon as its runtime is killed', async () => {
    const source = `
      import { DataDirectory } from ${JSON.stringify(MODULE)};
      globalThis.held = new DataDirectory(${JSON.stringify(path)}, 'local');
      held.announce({ url: 'http://127.0.0.1:1', pid: process.pid });
      console.log('held');
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', source], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    expect(() => new DataDirectory(path, 'local')).toThrow(
      `is in use by a running runtime (pid ${child.pid})`,
    );
    child.kill('SIGKILL');
    await once(child, 'exit');
    new DataDirectory(path, 'local').release();
  });

  it('has the address of its runtime while it runs', () => {
    const data = new DataDirectory(path, 'local');
    const endpoints = {
      stack: 'Stack',
      construct: 'Batchdrop',
      batchdrops: [],
      url: 'http://127.0.0.1:4566',
      pid: process.pid,
      openAiUrl: 'http://127.0.0.1:1/v1',
      requestBucket: 'requests',
      resultsBucket: 'results',
      cancelQueueUrl: 'http://127.0.0.1:4566/000000000000/cancel',
      approvalQueueUrl: 'http://127.0.0.1:4566/000000000000/approvals',
      eventBus: 'bus',
      instance: 'Stack.Batchdrop',
      ledgerTable: 'ledger',
    };
    data.announce(endpoints);
    expect(readRuntimeEndpoints(path)).toEqual(endpoints);
    data.release();
    expect(readRuntimeEndpoints(path)).toBeUndefined();
  });

  it('does not mix jobs of the real API with those of the local one', () => {
    const data = new DataDirectory(path, 'local');
    data.saveTime(1);
    data.release();
    expect(() => new DataDirectory(path, 'real')).toThrow(
      /has jobs of the local Batch API, not of the real Batch API: choose another directory/,
    );
    new DataDirectory(path, 'local').release();
  });

  it('does not use a folder with other files', () => {
    mkdirSync(path);
    writeFileSync(join(path, 'thesis.txt'), '');
    expect(() => new DataDirectory(path, 'local')).toThrow(/has files that are not Batchdrop's/);
  });

  it('fails if its path is below a file', () => {
    writeFileSync(path, 'a file');
    expect(() => new DataDirectory(path, 'local')).toThrow(/cannot be used as a data directory/);
    expect(() => new DataDirectory(join(path, 'below'), 'local')).toThrow(/is not writable/);
  });
});

describe('the time of a runtime', () => {
  it('continues where it stopped, although it was far ahead of wall time', async () => {
    const first = new DataDirectory(path, 'local');
    const running = new SavedClock(first, 1_000_000);
    await expect.poll(() => running.clock.now(), { interval: 5 }).toBeGreaterThan(Date.now() + 10_000_000);
    running.close();
    const stoppedAt = running.clock.now();
    first.release();

    const second = new DataDirectory(path, 'local');
    const resumed = new SavedClock(second, 1);
    expect(resumed.clock.now()).toBeGreaterThanOrEqual(first.time);
    expect(resumed.clock.now()).toBeLessThan(stoppedAt + 3_600_000);
    resumed.close();
    second.release();
  });

  it('never goes back after a kill, because the saved time is ahead', () => {
    const killed = new DataDirectory(path, 'local');
    const running = new SavedClock(killed, 60);
    const shown = running.clock.now();
    expect(killed.time).toBeGreaterThan(shown); // the time at which a restart continues
    running.close();
    killed.release();
  });
});
