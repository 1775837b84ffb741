import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type RuntimeEndpoints, readRuntimeEndpoints, runtimeEndpointsFile } from './runtime-endpoints.ts';

/** The Batch API on which the jobs of a data directory run; the other one does not know their ids. */
export type ApiKind = 'local' | 'real';

/** The record of a data directory. */
interface DirectoryRecord {
  readonly api: ApiKind;
  /** A time that no run has reached yet, in milliseconds by the runtime's clock. */
  readonly time: number;
  /** The example's job, submitted when the directory was new. */
  readonly exampleJobId?: string;
}

const RECORD = 'runtime.json';
const LOCK = 'lock.sqlite';

/**
 * The state of a runtime, in one directory that one runtime at a time locks. The lock is an operating system lock held
 * by SQLite: it ends with the process in any case, and a reused process id cannot mislead it.
 */
export class DataDirectory {
  readonly path: string;
  readonly #lock: DatabaseSync;
  #record: DirectoryRecord;

  /** Locks the directory; throws an Error that says what to do if that is not possible. */
  constructor(path: string, api: ApiKind) {
    this.path = resolve(path); // function processes have other working directories
    refuseForeign(path);
    makeWritable(path);
    this.#lock = lock(path);
    const earlier = readRecord(path);
    this.#record = earlier ?? { api, time: 0 };
    if (this.#record.api !== api) {
      this.#lock.close();
      throw new Error(
        `${path} has jobs of the ${earlier?.api} Batch API, not of the ${api} one: choose another directory with --data`,
      );
    }
  }

  /** The time at which the runtime continues: never before a time that an earlier run has reported. */
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

  /** Writes the address of the runtime, once it responds. */
  announce(endpoints: RuntimeEndpoints): void {
    writeWhole(runtimeEndpointsFile(this.path), endpoints);
  }

  /** Returns the path of a subdirectory, created if missing. */
  subdirectory(name: string): string {
    const subdirectory = join(this.path, name);
    mkdirSync(subdirectory, { recursive: true });
    return subdirectory;
  }

  /** Returns the path of a subdirectory, emptied. */
  emptySubdirectory(name: string): string {
    rmSync(join(this.path, name), { recursive: true, force: true });
    return this.subdirectory(name);
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

/** Throws for a directory with other files: writing into it could damage them. */
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
    writeFileSync(probe, '');
    rmSync(probe);
  } catch (cause) {
    throw new Error(`${path} is not writable: ${messageOf(cause)}; choose another directory with --data`, {
      cause,
    });
  }
}

function lock(path: string): DatabaseSync {
  const database = new DatabaseSync(join(path, LOCK));
  try {
    database.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE');
    return database;
  } catch (cause) {
    database.close();
    const pid = readRuntimeEndpoints(path)?.pid;
    const holder = pid === undefined ? 'another runtime' : `a running runtime (pid ${pid})`;
    throw new Error(`${path} is in use by ${holder}: stop it, or choose another directory with --data`, {
      cause,
    });
  }
}

function readRecord(path: string): DirectoryRecord | undefined {
  const file = join(path, RECORD);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
}

function writeWhole(file: string, content: object): void {
  writeFileSync(`${file}.new`, `${JSON.stringify(content, null, 2)}\n`);
  renameSync(`${file}.new`, file);
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
