/**
 * The faults of this server: chosen by a plan, which is a list of rules, or for one request by the header
 * `x-batchdrop-fault`. docs/batch-api-server.md has a table of them for users.
 */

import type { FailingRows } from '../batches/failing-rows.ts';

export const OPERATIONS = [
  'files.create',
  'files.list',
  'files.retrieve',
  'files.content',
  'files.delete',
  'batches.create',
  'batches.list',
  'batches.retrieve',
  'batches.cancel',
] as const;

export type Operation = (typeof OPERATIONS)[number];

/** The ends that a fault can give a batch. */
export type BatchBehavior = 'token-limit' | 'expire';

/** The names of the faults, and the operations to which each applies. */
export const FAULTS = {
  error: OPERATIONS,
  'error-after': ['files.create', 'files.delete', 'batches.create', 'batches.cancel'],
  reset: OPERATIONS,
  'reset-after': ['files.create', 'files.delete', 'batches.create', 'batches.cancel'],
  late: ['batches.create'],
  html: OPERATIONS,
  slow: OPERATIONS,
  truncate: ['files.content'],
  lag: ['batches.list'],
  'token-limit': ['batches.create'],
  expire: ['batches.create'],
  'failing-rows': ['batches.create'],
} as const satisfies Record<string, readonly Operation[]>;

/** `error`, `reset` and `html` replace the work; the `-after` faults happen after it, instead of the response. */
export type Fault =
  | {
      readonly fault: 'error' | 'error-after';
      readonly status: number;
      /** Seconds in the header `Retry-After`; null omits it. */
      readonly retryAfter: number | null;
    }
  | { readonly fault: 'reset' | 'reset-after' | 'html' | 'truncate' }
  /** The connection is cut, and the batch is created `seconds` of the server's clock later. */
  | { readonly fault: 'late'; readonly seconds: number }
  /** Milliseconds of wall time, because a client waits. */
  | { readonly fault: 'slow'; readonly ms: number }
  /** Batches younger than `seconds` of the server's clock are missing from the list. */
  | { readonly fault: 'lag'; readonly seconds: number }
  | { readonly fault: BatchBehavior }
  /** A share of the batch's rows fails with a status. */
  | ({ readonly fault: 'failing-rows' } & FailingRows);

export interface FaultRule {
  readonly on: readonly Operation[];
  readonly fault: Fault;
  /** The share of requests to which it applies, 0 to 1. */
  readonly rate: number;
  /** The maximum number of requests to which it applies, since the server's start; Infinity for all. */
  readonly times: number;
}

/** The rules of a server, in order. */
export type FaultPlan = readonly FaultRule[];
