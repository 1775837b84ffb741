import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type RuntimeEndpoints, readRuntimeEndpoints, runtimeEndpointsFile } from './runtime-endpoints.ts';

/** Which Batch API the jobs of a data directory run on; their ids mean nothing to the other. */
export type ApiKind = 'local' | 'real';

/** What is kept about a data directory as a whole. */
interface Passport {
  readonly api: ApiKind;
  /** The runtime's time, in milliseconds, that no run of it has reached yet. */
  readonly time: number;
  /** The job of the example that was dropped when the directory was new. */
  readonly exampleJobId?: string;
}

const PASSPORT = 'runtime.json';
const LOCK = 'lock.sqlite';

/**
 * Everything a runtime keeps, in one directory that one runtime at a time holds. The lock is the operating system's, by
 * way of SQLite: it ends with the process however that ends, and a process id used again cannot fool it.
 */
export class DataDirectory {
  readonly path: string;
  readonly #lock: DatabaseSync;
  #passport: Passport;

  /** Takes the directory; throws a sentence that says what to do when it cannot be had. */
  constructor(path: string, api: ApiKind) {
    this.path = resolve(path); // function processes have working directories of their own
    refuseForeign(path);
    makeWritable(path);
    this.#lock = lock(path);
    const former = readPassport(path);
    this.#passport = former ?? { api, time: 0 };
    if (this.#passport.api !== api) {
      this.#lock.close();
      throw new Error(
        `${path} holds the jobs of the ${former?.api} Batch API, not of the ${api} one: choose another directory with --data`,
      );
    }
  }

  /** The time the runtime goes on from: never before one it has shown to anybody. */
  get time(): number {
    return this.#passport.time;
  }

  get exampleJobId(): string | undefined {
    return this.#passport.exampleJobId;
  }

  /** Promises that no time beyond this one has been shown. */
  saveTime(time: number): void {
    this.#save({ ...this.#passport, time });
  }

  saveExample(exampleJobId: string): void {
    this.#save({ ...this.#passport, exampleJobId });
  }

  /** Tells where the runtime is, once it answers. */
  announce(endpoints: RuntimeEndpoints): void {
    writeWhole(runtimeEndpointsFile(this.path), endpoints);
  }

  /** A place of this name inside, made if missing. */
  subdirectory(name: string): string {
    const subdirectory = join(this.path, name);
    mkdirSync(subdirectory, { recursive: true });
    return subdirectory;
  }

  /** The same, emptied. */
  emptyRoom(name: string): string {
    rmSync(join(this.path, name), { recursive: true, force: true });
    return this.subdirectory(name);
  }

  /** Gives the directory up. */
  release(): void {
    rmSync(runtimeEndpointsFile(this.path), { force: true });
    this.#lock.close();
  }

  #save(passport: Passport): void {
    this.#passport = passport;
    writeWhole(join(this.path, PASSPORT), passport);
  }
}

/** A directory that holds something else is not ours to fill. */
function refuseForeign(path: string): void {
  if (!existsSync(path) || existsSync(join(path, LOCK))) return;
  let entries: string[];
  try {
    entries = readdirSync(path);
  } catch (cause) {
    throw new Error(`${path} cannot be used as a data directory: ${messageOf(cause)}`, { cause });
  }
  if (entries.length > 0) {
    throw new Error(
      `${path} holds other things than Batchdrop's data: choose an empty directory with --data`,
    );
  }
}

function makeWritable(path: string): void {
  const probe = join(path, '.writable');
  try {
    mkdirSync(path, { recursive: true });
    writeFileSync(probe, '');
    rmSync(probe);
  } catch (cause) {
    throw new Error(`${path} cannot be written: ${messageOf(cause)}; choose another directory with --data`, {
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

function readPassport(path: string): Passport | undefined {
  const file = join(path, PASSPORT);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
}

function writeWhole(file: string, content: object): void {
  writeFileSync(`${file}.new`, `${JSON.stringify(content, null, 2)}\n`);
  renameSync(`${file}.new`, file);
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
