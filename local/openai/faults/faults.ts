/**
 * What can be made to go wrong with this server: by a plan, which is a list of rules, or for one request by the header
 * `x-batchdrop-fault`. docs/batch-api-server.md tells users the same in a table.
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

/** How a batch of this server can be made to end, besides well. */
export type BatchFate = 'token-limit' | 'expire';

/** Names of faults, and the operations each can meet. */
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

/** `error`, `reset` and `html` come instead of the work, the `-after` ones when it is done and the answer is due. */
export type Fault =
  | {
      readonly fault: 'error' | 'error-after';
      readonly status: number;
      /** Seconds in the header `Retry-After`; null leaves it out. */
      readonly retryAfter: number | null;
    }
  | { readonly fault: 'reset' | 'reset-after' | 'html' | 'truncate' }
  /** The connection is cut, and the batch begins `seconds` of the server's clock later. */
  | { readonly fault: 'late'; readonly seconds: number }
  /** Milliseconds of the wall: it is a client that waits. */
  | { readonly fault: 'slow'; readonly ms: number }
  /** Batches younger than `seconds` of the server's clock are not on the list. */
  | { readonly fault: 'lag'; readonly seconds: number }
  | { readonly fault: BatchFate }
  /** A share of the batch's rows fails with a status. */
  | ({ readonly fault: 'failing-rows' } & FailingRows);

export interface FaultRule {
  readonly on: readonly Operation[];
  readonly fault: Fault;
  /** The share of requests it meets, 0 to 1. */
  readonly rate: number;
  /** How many it meets at most, counted from the server's start; Infinity for all. */
  readonly times: number;
}

/** The rules of a server, asked in their order. */
export type FaultPlan = readonly FaultRule[];
