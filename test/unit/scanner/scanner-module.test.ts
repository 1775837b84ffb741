import { execFile } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { FILE_LIMITS } from '../../../functions/shared/contract/request-file.ts';

const run = promisify(execFile);
const SCANNER = fileURLToPath(new URL('../../../functions/shared/scanner/', import.meta.url));
const CHECK = fileURLToPath(new URL('check-process.ts', import.meta.url));
const NO_SIMD: string[] =
  process.arch === 'x64'
    ? ['--no-enable-sse4-1']
    : ['--import', 'data:text/javascript,WebAssembly.validate = () => false'];

const directories: string[] = [];
afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true });
});

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'batchdrop-scanner-'));
  directories.push(directory);
  return directory;
}

/** Runs `check-process.ts`, which prints how it read a file and what it found. */
async function checked(flags: string[], file: string) {
  const { stdout } = await run(process.execPath, [...flags, CHECK, file]);
  return JSON.parse(stdout);
}

function fileWith(...lines: string[]): string {
  const file = join(temporaryDirectory(), 'requests.jsonl');
  writeFileSync(file, lines.join('\n'));
  return file;
}

const row = (id: string, content = 'é') =>
  JSON.stringify({
    custom_id: id,
    method: 'POST',
    url: '/v1/responses',
    body: { model: 'm', input: content },
  });

describe('a machine without SIMD', () => {
  it('checks a file without the scanner, with the same result', async () => {
    const file = fileWith(row('a'), row('b'), '{"custom_id":"c"', '', row('a'), '{"a":1}');
    const [with_, without] = await Promise.all([checked([], file), checked(NO_SIMD, file)]);
    expect(with_).toMatchObject({ hasScanner: true });
    expect(without).toMatchObject({ hasScanner: false });
    expect(with_.checked.findings).toHaveLength(3);
    expect(without.checked).toEqual(with_.checked);
  });
});

it('a file of rows of 32 MiB is checked in bounded memory', async () => {
  const [before = '', after = ''] = row('a', '|').split('|');
  const filler = Buffer.alloc(FILE_LIMITS.rowBytes - Buffer.byteLength(before + after), 'x');
  const file = fileWith('');
  for (const text of [before, filler, `${after}\n${before}`, filler, `x${after}\n`, row('b')])
    appendFileSync(file, text);
  const { checked: verdict, peakMb } = await checked([], file);
  expect(verdict.findings).toMatchObject([{ line: 2, code: 'row_too_long' }]);
  expect(peakMb).toBeLessThan(200); // with `JSON.parse` alone: 237
});

describe('the compiled scanner', () => {
  /**
   * Creates a project with only the scanner and a compiler with this source. Returns a function that requests the
   * bytes.
   */
  function projectWith(compiler: string) {
    const directory = temporaryDirectory();
    const scanner = join(directory, 'functions/shared/scanner');
    const compilerAt = join(directory, 'node_modules/assemblyscript');
    mkdirSync(join(compilerAt, 'bin'), { recursive: true });
    cpSync(SCANNER, scanner, { recursive: true });
    const manifest = { type: 'module', dependencies: { assemblyscript: '1.0.0' } };
    writeFileSync(join(directory, 'package.json'), JSON.stringify(manifest));
    writeFileSync(join(compilerAt, 'package.json'), '{"type":"module","exports":{"./*":"./*"}}');
    writeFileSync(join(compilerAt, 'bin/asc.js'), compiler);
    const script = `const { scannerBytes } = await import(${JSON.stringify(join(scanner, 'scanner-bytes.ts'))});
      process.stdout.write(Buffer.from(scannerBytes()).toString());`;
    const bytes = async () => (await run(process.execPath, ['--input-type=module', '--eval', script])).stdout;
    return { directory, scanner, bytes };
  }

  const SLOW = `import { appendFileSync, readFileSync } from 'node:fs';
    const file = process.argv[process.argv.indexOf('--outFile') + 1];
    appendFileSync(new URL('calls', import.meta.url), '.');
    appendFileSync(file, 'half ');
    await new Promise((done) => setTimeout(done, 300));
    appendFileSync(file, 'of ' + readFileSync(process.argv[2]).length);`;

  it('is compiled when its source has changed, and is complete for processes that start together', async () => {
    const { directory, scanner, bytes } = projectWith(SLOW);
    const source = join(scanner, 'assembly/scanner.ts');
    const length = readFileSync(source).length;
    const calls = () => readFileSync(join(directory, 'node_modules/assemblyscript/bin/calls')).length;
    expect(await Promise.all([bytes(), bytes(), bytes()])).toEqual(Array(3).fill(`half of ${length}`));
    const before = calls();
    expect(await bytes()).toBe(`half of ${length}`);
    expect(calls()).toBe(before);
    expect(readdirSync(join(directory, 'dist/scanner'))).toHaveLength(1);
    writeFileSync(source, 'changed');
    expect(await bytes()).toBe('half of 7');
    expect(calls()).toBe(before + 1);
  });

  it("that does not compile is reported with the compiler's message", async () => {
    const { bytes, directory } = projectWith(
      "process.stderr.write('ERROR TS1005: expected'); process.exit(1);",
    );
    await expect(bytes()).rejects.toThrow(/the scanner does not compile:\s+ERROR TS1005: expected/);
    expect(readdirSync(join(directory, 'dist/scanner'))).toEqual([]);
  });
});
