import type { DatabaseSync } from 'node:sqlite';
import type { Clock, VirtualClock } from '../clock.ts';
import { AuditLog } from './audit-log.ts';
import { BatchStore } from './batches/batch-store.ts';
import { keptNumber, openServerDatabase } from './database.ts';
import type { FaultPlan } from './faults/faults.ts';
import { FileStore } from './files/file-store.ts';
import { type Limits, OPENAI_LIMITS } from './limits.ts';
import type { Profile } from './profiles/profile.ts';
import { PROFILES } from './profiles/profiles.ts';
import { type Timing, TYPICAL_TIMING } from './timing.ts';

export interface BatchApiOptions {
  /** The directory of the state, created if missing. Only one server at a time may use it. */
  readonly directory: string;
  readonly clock: Clock;
  /** Default 0: any free port. */
  readonly port?: number;
  /** Determines ids, durations, and the order and contents of results. Default: 1. A directory keeps its first seed. */
  readonly seed?: number;
  /** The only valid bearer token. By default, every token is valid. */
  readonly apiKey?: string;
  readonly timing?: Partial<Timing>;
  readonly limits?: Partial<Limits>;
  /** The models that exist. By default, every model. */
  readonly models?: readonly string[];
  /** The faults to inject; none by default. */
  readonly faults?: FaultPlan;
  /** The vendor whose Batch API the server imitates. OpenAI by default. */
  readonly profile?: Profile;
  /** The clock by which receivers of webhooks verify a timestamp. By default, the wall clock. */
  readonly receivers?: Pick<VirtualClock, 'now' | 'hold'>;
}

/** What the parts of the server share. */
export interface ServerState {
  readonly database: DatabaseSync;
  readonly batches: BatchStore;
  readonly files: FileStore;
  readonly audit: AuditLog;
  readonly clock: Clock;
  readonly seed: number;
  readonly timing: Timing;
  readonly limits: Limits;
  readonly models: readonly string[] | null;
  readonly profile: Profile;
}

/** Opens a directory's state and repairs what a killed server left incomplete. */
export function openState(options: BatchApiOptions): ServerState {
  const { directory, clock, profile = PROFILES.openai } = options;
  const database = openServerDatabase(directory);
  const seed = keptNumber(database, 'seed', options.seed ?? 1);
  const batches = new BatchStore(database);
  const files = new FileStore(database, directory, seed);
  files.sweep(clock.now(), (id) => batches.readsFile(id));
  return {
    database,
    batches,
    files,
    audit: new AuditLog(database, directory),
    clock,
    seed,
    timing: { ...TYPICAL_TIMING, ...options.timing },
    limits: { ...OPENAI_LIMITS, ...profile.limits, ...options.limits },
    models: options.models ?? null,
    profile,
  };
}
