/**
 * The audit log: what clients requested and what the server billed, one JSON object per line.
 *
 * Promise: an entry is in the file exactly once if the change that it records was committed, and otherwise not at all.
 * An entry is written to the database in the transaction of the change, and `flush` then copies it to the file by its
 * number. After a kill, the last number in the file shows where the copying stopped.
 */
import {
  appendFileSync,
  closeSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
} from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { Fault, Operation } from './faults/faults.ts';

type AuditEvent =
  | {
      readonly event: 'file.created';
      readonly fileId: string;
      readonly purpose: string;
      readonly bytes: number;
    }
  | { readonly event: 'file.deleted'; readonly fileId: string }
  | {
      readonly event: 'batch.created';
      readonly batchId: string;
      readonly inputFileId: string;
      readonly endpoint: string;
      readonly metadata: Readonly<Record<string, string>> | null;
    }
  | { readonly event: 'batch.cancel_requested'; readonly batchId: string; readonly status: string }
  | {
      readonly event: 'row.billed';
      readonly batchId: string;
      readonly inputFileId: string;
      readonly customId: string;
      readonly inputTokens: number;
      readonly outputTokens: number;
    }
  | ({
      readonly event: 'webhook.sent';
      /** Counted from 1. */
      readonly attempt: number;
      /** The status of the response. */
      readonly status?: number;
      /** Why there was no response. */
      readonly problem?: string;
      /** A fault sent this webhook in the name of a stranger. */
      readonly isForged?: true;
    } & ToldWebhook)
  | ({ readonly event: 'webhook.given_up' } & ToldWebhook)
  | { readonly event: 'fault.injected'; readonly fault: Fault['fault']; readonly on: Operation };

interface ToldWebhook {
  readonly webhookId: string;
  readonly endpointId: string;
  readonly batchId: string;
  readonly type: string;
}

/** One line of the log. `n` increases; `at` is in milliseconds since the epoch by the server's clock. */
export type AuditEntry = AuditEvent & { readonly n: number; readonly at: number };

const MAX_TAIL = 1 << 20; // an entry has a few KB at most, so the last one is within this tail
const auditPath = (directory: string) => join(directory, 'audit.jsonl');

/**
 * Returns all complete entries of a server's audit log, oldest first. A running server may append entries meanwhile.
 */
export function readAudit(directory: string): AuditEntry[] {
  if (!existsSync(auditPath(directory))) return [];
  const lines = readFileSync(auditPath(directory), 'utf8').split('\n').slice(0, -1);
  return lines.map((line): AuditEntry => JSON.parse(line));
}

export class AuditLog {
  readonly #database: DatabaseSync;
  readonly #path: string;

  constructor(database: DatabaseSync, directory: string) {
    this.#database = database;
    this.#path = auditPath(directory);
    const copied = dropTornLine(this.#path);
    this.#database.prepare('DELETE FROM audit WHERE n <= ?').run(copied);
    this.flush();
  }

  /** Records an entry. Call this within the transaction of the change, and `flush` after the commit. */
  record(at: number, event: AuditEvent): void {
    this.#database.prepare('INSERT INTO audit (line) VALUES (?)').run(JSON.stringify({ at, ...event }));
  }

  /** Appends the committed entries to the file. */
  flush(): void {
    const noted = this.#database.prepare('SELECT n, line FROM audit ORDER BY n').all();
    const last = noted.at(-1);
    if (last === undefined) return;
    appendFileSync(this.#path, noted.map(({ n, line }) => `{"n":${n},${String(line).slice(1)}\n`).join(''));
    this.#database.prepare('DELETE FROM audit WHERE n <= ?').run(Number(last.n));
  }
}

/** Removes an incomplete last line. Returns the number of the last complete entry; 0 if there is none. */
function dropTornLine(path: string): number {
  const file = openSync(path, 'a+');
  try {
    const size = fstatSync(file).size;
    const tail = Buffer.alloc(Math.min(size, MAX_TAIL));
    readSync(file, tail, 0, tail.length, size - tail.length);
    const end = tail.lastIndexOf(0x0a) + 1;
    ftruncateSync(file, size - tail.length + end);
    if (end === 0) return 0;
    const start = end < 2 ? 0 : tail.lastIndexOf(0x0a, end - 2) + 1;
    const entry: AuditEntry = JSON.parse(tail.toString('utf8', start, end));
    return entry.n;
  } finally {
    closeSync(file);
  }
}
