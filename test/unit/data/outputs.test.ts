import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  createWriteStream,
  openSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { withOutput } from '../../../bin/data/output/fail-on-signal.ts';
import { openFileOutput } from '../../../bin/data/output/file-output.ts';
import { PipeOutput } from '../../../bin/data/output/pipe-output.ts';
import { validateRequestFile } from '../../../functions/shared/request-file/validate-request-file.ts';
import { createInMemoryRowTables } from '../../fakes/in-memory-row-tables.ts';
import { row } from '../small-world.ts';
import { DataFolder } from './data-files.ts';

const folder = new DataFolder();
afterAll(() => folder.discard());

const lines = (...ids: string[]) => Buffer.from(ids.map((id) => `${row(id)}\n`).join(''));

/** What INTAKE says of a file. */
async function verdictOn(path: string): Promise<string> {
  const read = async function* () {
    yield readFileSync(path);
  };
  return (await validateRequestFile(read, createInMemoryRowTables())).verdict;
}

/** A pipe whose other end is a file. */
function pipeTo(path: string) {
  const fd = openSync(path, 'w');
  return {
    close: () => closeSync(fd),
    write(bytes: Uint8Array, done: (error?: Error | null) => void) {
      writeSync(fd, bytes);
      done();
    },
  };
}

describe('requests on a pipe', () => {
  it('are refused by INTAKE at every moment before the last one is written', async () => {
    const path = join(folder.path, 'pipe.jsonl');
    const pipe = pipeTo(path);
    const output = new PipeOutput(pipe);
    expect(await verdictOn(path)).toBe('bad');
    for (const ids of [['a'], ['b', 'c'], [], ['d']]) {
      await output.write(lines(...ids));
      expect(await verdictOn(path)).toBe('bad');
    }
    await output.succeed();
    await output.fail(); // too late to spoil anything
    pipe.close();
    expect(await verdictOn(path)).toBe('good');
    expect(readFileSync(path)).toEqual(lines('a', 'b', 'c', 'd'));
  });

  it.each([0, 1, 3])('are refused by INTAKE if the work fails after %i writes', async (writes) => {
    const path = join(folder.path, `failed-${writes}.jsonl`);
    const pipe = pipeTo(path);
    const output = new PipeOutput(pipe);
    const work = withOutput(
      async () => output,
      async () => {
        for (let at = 0; at < writes; at += 1) await output.write(lines(`row ${at}`));
        throw new Error('a bad row');
      },
    );
    await expect(work).rejects.toThrow('a bad row');
    pipe.close();
    expect(readFileSync(path, 'utf8').split('\n').at(-2)).toBe(
      'batchdrop prepare failed: this file is incomplete, do not submit it',
    );
    expect(await verdictOn(path)).toBe('bad');
  });

  it('end without that line on a terminal', async () => {
    const path = join(folder.path, 'terminal');
    const terminal = { ...pipeTo(path), isTTY: true };
    await new PipeOutput(terminal).fail();
    terminal.close();
    expect(readFileSync(path, 'utf8')).toBe('');
  });

  it('end with a sentence if their reader is gone', async () => {
    const closed = createWriteStream(join(folder.path, 'closed'));
    closed.on('error', () => {});
    closed.destroy();
    const gone = new PipeOutput(closed);
    await expect(gone.write(lines('a'))).rejects.toThrow('The reader of the output ended');
    await gone.fail();
  });
});

describe('requests in a file', () => {
  it('appear under its name when all of them are written', async () => {
    const path = folder.write('there.jsonl', 'old');
    await withOutput(
      () => openFileOutput(path, []),
      async (output) => {
        await output.write(lines('a'));
        await output.write(lines('b'));
        expect(readFileSync(path, 'utf8')).toBe('old');
        await output.succeed();
      },
    );
    expect(readFileSync(path)).toEqual(lines('a', 'b'));
    expect(temporaryFiles()).toEqual([]);
  });

  it('leave nothing behind if the work fails', async () => {
    const path = join(folder.path, 'never.jsonl');
    const work = withOutput(
      () => openFileOutput(path, []),
      async (output) => {
        await output.write(lines('a'));
        expect(temporaryFiles()).toHaveLength(1);
        throw new Error('a bad row');
      },
    );
    await expect(work).rejects.toThrow('a bad row');
    expect(readdirSync(folder.path)).not.toContain('never.jsonl');
    expect(temporaryFiles()).toEqual([]);
  });

  it('leave nothing behind if a signal comes as soon as the temporary file is there', async () => {
    const path = join(folder.path, 'stopped.jsonl');
    const program = `
      import { readdirSync } from 'node:fs';
      const { withOutput } = await import('${moduleOf('fail-on-signal.ts')}');
      const { openFileOutput } = await import('${moduleOf('file-output.ts')}');
      const open = async () => {
        const output = await openFileOutput('${path}', []);
        while (!readdirSync('${folder.path}').some((name) => name.startsWith('.stopped'))) {}
        process.kill(process.pid, 'SIGTERM');
        return output;
      };
      await withOutput(open, () => new Promise((resolve) => setTimeout(resolve, 60_000)));`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: 'inherit' });
    expect(await once(child, 'exit')).toEqual([null, 'SIGTERM']);
    expect(temporaryFiles()).toEqual([]);
  });

  it('never replace their inputs, a directory, or a device', async () => {
    const data = folder.write('data.csv', 'a\n1\n');
    const link = join(folder.path, 'link.csv');
    symlinkSync(data, link);
    await expect(openFileOutput(link, [data])).rejects.toThrow('would replace');
    await expect(openFileOutput(folder.path, [])).rejects.toThrow('is a directory');
    await expect(openFileOutput('/dev/null', [])).rejects.toThrow('is not a regular file');
    const nowhere = await openFileOutput(join(folder.path, 'none', 'out.jsonl'), []);
    await expect(nowhere.write(lines('a'))).rejects.toThrow('cannot be written');
    await expect(nowhere.succeed()).rejects.toThrow('cannot be written');
    await nowhere.fail();
    expect(readFileSync(data, 'utf8')).toBe('a\n1\n');
  });
});

function moduleOf(name: string): string {
  return new URL(`../../../bin/data/output/${name}`, import.meta.url).href;
}

function temporaryFiles(): string[] {
  return readdirSync(folder.path).filter((name) => name.endsWith('.tmp'));
}
