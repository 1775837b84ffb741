import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DataDirectory } from '../../../local/runtime/data-directory.ts';
import { readOwnerCredentials } from '../../../local/runtime/owner-credentials.ts';

let parent: string;
let path: string;

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'batchdrop-directory-'));
  path = join(parent, 'data');
});

afterEach(() => rmSync(parent, { recursive: true, force: true }));

const open = (...more: ['real' | 'server', string?] | []) => {
  const [api = 'local', server] = more;
  return new DataDirectory(path, api, server);
};
const modeOf = (name: string) => statSync(join(path, name)).mode & 0o777;
const NO_LOCK =
  /lock\.sqlite is not a lock of Batchdrop, because it is not an empty file: choose another directory/;

describe('a data directory', () => {
  it.each([
    ['new', undefined],
    ['empty', 0o755],
    ['open to everybody', 0o777],
  ])('that is %s becomes readable only by its user', (_, mode) => {
    if (mode !== undefined) mkdirSync(path, { mode });
    open().release();
    expect(modeOf('.')).toBe(0o700);
  });

  it('of an earlier version is closed to other users at the next start', () => {
    open().release();
    rmSync(path, { recursive: true });
    mkdirSync(path, { mode: 0o755 });
    writeFileSync(join(path, 'lock.sqlite'), '');
    open().release();
    expect(modeOf('.')).toBe(0o700);
  });

  it('keeps the credentials of its owner, which nobody else can read or guess', () => {
    expect(readOwnerCredentials(path)).toBeUndefined();
    const directory = open();
    const made = directory.ownerCredentials();
    directory.release();
    const again = open();
    expect(again.ownerCredentials()).toEqual(made);
    again.release();
    expect(readOwnerCredentials(path)).toEqual(made);
    expect(modeOf('credentials.json')).toBe(0o600);
    rmSync(path, { recursive: true });
    const other = open();
    const others = other.ownerCredentials();
    other.release();
    expect(others.accessKeyId).not.toBe(made.accessKeyId);
    expect(others.secretAccessKey).not.toBe(made.secretAccessKey);
    expect(made.secretAccessKey).toMatch(/^[\w-]{40}$/);
  });

  it('in use is refused with the id of the process that uses it', () => {
    const holder = open();
    expect(() => open()).toThrow(/is in use by another runtime: stop it, or choose another directory/);
    holder.release();
    open().release();
  });

  it('with any other file in place of its lock is refused as not locked by Batchdrop, and the file is unchanged', () => {
    mkdirSync(path);
    const file = join(path, 'lock.sqlite');
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), (content) => {
        writeFileSync(file, content);
        expect(() => open()).toThrow(NO_LOCK);
        expect(readFileSync(file).equals(content)).toBe(true);
      }),
      { examples: [[Buffer.from('SQLite format 3\0')], [Buffer.from('1234')]] },
    );
  });

  it("with another program's database, a directory or a link in place of its lock is refused in the same way", () => {
    mkdirSync(path);
    const file = join(path, 'lock.sqlite');
    const database = new DatabaseSync(file);
    database.exec("CREATE TABLE theirs (a); INSERT INTO theirs VALUES ('kept')");
    database.close();
    expect(() => open()).toThrow(NO_LOCK);
    const reopened = new DatabaseSync(file);
    expect(reopened.prepare('SELECT a FROM theirs').get()).toEqual({ a: 'kept' });
    reopened.close();
    rmSync(file);
    mkdirSync(file);
    expect(() => open()).toThrow(NO_LOCK);
    rmSync(file, { recursive: true });
    writeFileSync(join(parent, 'elsewhere'), '');
    symlinkSync(join(parent, 'elsewhere'), file);
    expect(() => open()).toThrow(NO_LOCK);
  });

  it('of another Batch API is refused, but not if a server of this machine has only changed its port', () => {
    const used = (...api: Parameters<typeof open>) => {
      const directory = open(...api);
      directory.saveTime(1);
      directory.release();
    };
    used('server', 'https://one.example/v1');
    used('server', 'https://one.example/v1');
    expect(() => open()).toThrow(/has jobs of another Batch API server, not of the local Batch API: choose/);
    expect(() => open('real')).toThrow(/not of the real Batch API/);
    expect(() => open('server', 'https://two.example/v1')).toThrow(
      /has jobs of the Batch API server https:\/\/one\.example\/v1, not of https:\/\/two\.example\/v1/,
    );
    rmSync(path, { recursive: true });
    used('server', 'http://127.0.0.1:1/v1');
    used('server', 'http://localhost:2/v1');
  });

  it('keeps its record and leaves no other file when the disk is full', () => {
    const directory = open();
    directory.saveTime(1_000);
    const before = readFileSync(join(path, 'runtime.json'), 'utf8');
    symlinkSync('/dev/full', join(path, 'runtime.json.new')); // a write to it fails as on a full disk
    expect(() => directory.saveTime(2_000)).toThrow(/ENOSPC/);
    expect(readFileSync(join(path, 'runtime.json'), 'utf8')).toBe(before);
    expect(readdirSync(path).filter((name) => name.includes('runtime'))).toEqual(['runtime.json']);
    directory.saveTime(3_000);
    directory.release();
    const next = open();
    expect(next.time).toBe(3_000);
    next.release();
  });

  it('with a damaged record is refused with the name of the file', () => {
    open().release();
    writeFileSync(join(path, 'runtime.json'), '{"api":');
    expect(() => open()).toThrow(/runtime\.json cannot be read: .*; choose another directory with --data/);
  });
});
