import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { isLoopback } from '../../functions/shared/contract/base-url.ts';
import type { Credentials } from '../aws/iam/signature.ts';
import { ownerCredentialsFile, readOwnerCredentials } from './owner-credentials.ts';
import { type RuntimeEndpoints, readRuntimeEndpoints, runtimeEndpointsFile } from './runtime-endpoints.ts';

/** The Batch API that runs the jobs of a data directory. Another API does not know their ids. */
export type ApiKind = 'local' | 'real' | 'server';

const SHOWN: Readonly<Record<ApiKind, string>> = {
  local: 'the local Batch API',
  real: 'the real Batch API',
  server: 'another Batch API server',
};

/** The record of a data directory. */
interface DirectoryRecord {
  readonly api: ApiKind;
  /** The base URL of another Batch API server. */
  readonly server?: string;
  /** A time that no run has reached yet, in milliseconds by the runtime's clock. */
  readonly time: number;
  /** The example's job, submitted when the directory was new. */
  readonly exampleJobId?: string;
}

const RECORD = 'runtime.json';
const LOCK = 'lock.sqlite';
const SQLITE_BUSY = 5;

/**
 * The state of a runtime, in one directory that is locked by one runtime at a time. SQLite holds an operating system
 * lock. It ends with the process in any case, and a reused process id cannot mislead it.
 */
export class DataDirectory {
  readonly path: string;
  readonly #lock: DatabaseSync;
  #record: DirectoryRecord;

  /** Locks the directory. Throws an Error that says what to do if that is not possible. */
  constructor(path: string, api: ApiKind, server?: string) {
    this.path = resolve(path); // function processes have other working directories
    refuseForeign(path);
    makeWritable(path);
    this.#lock = lock(path);
    const earlier = readRecord(path);
    this.#record = { time: 0, ...earlier, api: earlier?.api ?? api, ...(server !== undefined && { server }) };
    const other = otherApi(earlier, api, server);
    if (other !== undefined) {
      this.#lock.close();
      throw new Error(`${path} has jobs of ${other}: choose another directory with --data`);
    }
  }

  /** The time at which the runtime continues. It is never before a time that an earlier run has reported. */
  get time(): number {
    return this.#record.time;
  }

  get exampleJobId(): string | undefined {
    return this.#record.exampleJobId;
  }

  /** Records a time that is later than every reported one. */
  saveTime(time: number): void {
    this.#save({ ...this.#record, time });
  }

  saveExample(exampleJobId: string): void {
    this.#save({ ...this.#record, exampleJobId });
  }

  /** Returns the credentials of the account's owner. They are made at the first call and kept for later runs. */
  ownerCredentials(): Credentials {
    const known = readOwnerCredentials(this.path);
    if (known !== undefined) return known;
    const accessKeyId = `BATCHDROP${randomBytes(6).toString('hex').toUpperCase()}`;
    const made = { accessKeyId, secretAccessKey: randomBytes(30).toString('base64url') };
    writeWhole(ownerCredentialsFile(this.path), made);
    return made;
  }

  /** Writes the address of the runtime, once the runtime responds. */
  announce(endpoints: RuntimeEndpoints): void {
    writeWhole(runtimeEndpointsFile(this.path), endpoints);
  }

  /** Returns the path of a subdirectory, created if missing. */
  subdirectory(name: string): string {
    const subdirectory = join(this.path, name);
    mkdirSync(subdirectory, { recursive: true });
    return subdirectory;
  }

  /** Unlocks the directory. */
  release(): void {
    rmSync(runtimeEndpointsFile(this.path), { force: true });
    this.#lock.close();
  }

  #save(record: DirectoryRecord): void {
    this.#record = record;
    writeWhole(join(this.path, RECORD), record);
  }
}

/**
 * Returns a text that names the API of earlier jobs and this one, if they differ. A server on this machine may have
 * another port than before.
 */
function otherApi(
  earlier: DirectoryRecord | undefined,
  api: ApiKind,
  server: string | undefined,
): string | undefined {
  if (earlier === undefined) return undefined;
  if (earlier.api !== api) return `${SHOWN[earlier.api]}, not of ${SHOWN[api]}`;
  const known = earlier.server;
  if (known === undefined || server === undefined || known === server) return undefined;
  if (isLoopback(known) && isLoopback(server)) return undefined;
  return `the Batch API server ${known}, not of ${server}`;
}

/** Throws for a directory with other files, because writing into it could damage them. */
function refuseForeign(path: string): void {
  if (!existsSync(path) || existsSync(join(path, LOCK))) return;
  let entries: string[];
  try {
    entries = readdirSync(path);
  } catch (cause) {
    throw new Error(`${path} cannot be used as a data directory: ${messageOf(cause)}`, { cause });
  }
  if (entries.length > 0) {
    throw new Error(`${path} has files that are not Batchdrop's: choose an empty directory with --data`);
  }
}

function makeWritable(path: string): void {
  const probe = join(path, '.writable');
  try {
    mkdirSync(path, { recursive: true });
    chmodSync(path, 0o700); // it holds prompts, results and credentials
    writeFileSync(probe, '');
    rmSync(probe);
  } catch (cause) {
    throw new Error(`${path} is not writable: ${messageOf(cause)}; choose another directory with --data`, {
      cause,
    });
  }
}

function lock(path: string): DatabaseSync {
  const file = join(path, LOCK);
  refuseNoLock(file);
  const database = new DatabaseSync(file);
  try {
    database.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE');
    return database;
  } catch (cause) {
    database.close();
    if (!isBusy(cause)) throw new Error(`${file} cannot be locked: ${messageOf(cause)}`, { cause });
    const pid = readRuntimeEndpoints(path)?.pid;
    const holder = pid === undefined ? 'another runtime' : `a running runtime (pid ${pid})`;
    throw new Error(`${path} is in use by ${holder}: stop it, or choose another directory with --data`, {
      cause,
    });
  }
}

/**
 * A lock is an empty file, because nothing is ever written to its database. Any other file belongs to somebody else.
 */
function refuseNoLock(file: string): void {
  const found = lstatSync(file, { throwIfNoEntry: false });
  if (found === undefined || (found.isFile() && found.size === 0)) return;
  throw new Error(
    `${file} is not a lock of Batchdrop, because it is not an empty file: choose another directory with --data, or remove it if you do not need it`,
  );
}

/** Returns whether SQLite reports SQLITE_BUSY. The upper bytes of an error code are details. */
function isBusy(cause: unknown): boolean {
  return cause instanceof Error && 'errcode' in cause && (Number(cause.errcode) & 0xff) === SQLITE_BUSY;
}

function readRecord(path: string): DirectoryRecord | undefined {
  const file = join(path, RECORD);
  if (!existsSync(file)) return undefined;
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new Error(`${file} cannot be read: ${messageOf(cause)}; choose another directory with --data`, {
      cause,
    });
  }
}

/**
 * Replaces the file, which only its user can read. If that fails, the earlier one remains, and there is no other
 * effect.
 */
function writeWhole(file: string, content: object): void {
  const draft = `${file}.new`;
  try {
    writeFileSync(draft, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
    renameSync(draft, file);
  } catch (cause) {
    rmSync(draft, { force: true });
    throw cause;
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
