/**
 * The faults of this server. A plan, which is a list of rules, selects them, or the header `x-batchdrop-fault` for a
 * single request. docs/batch-api-server.md has a table of them for users.
 */

import type { FailingRows } from '../batches/failing-rows.ts';
import type { RefusalName } from './refusals.ts';

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
  'webhook_endpoints.create',
  'webhook_endpoints.list',
  'webhook_endpoints.retrieve',
  'webhook_endpoints.update',
  'webhook_endpoints.delete',
  'webhook_endpoints.rotate_secret',
  'webhook_endpoints.test',
] as const;

export type Operation = (typeof OPERATIONS)[number];

/** The ends that a fault can give a batch. */
export type BatchBehavior = 'token-limit' | 'expire';

const BATCHES = ['batches.create', 'batches.list', 'batches.retrieve', 'batches.cancel'] as const;
const FILES = ['files.create', 'files.list', 'files.retrieve'] as const;
/** The operations that can take effect although the client receives an error. */
const WRITES = [
  'files.create',
  'files.delete',
  'batches.create',
  'batches.cancel',
  'webhook_endpoints.create',
  'webhook_endpoints.update',
  'webhook_endpoints.delete',
  'webhook_endpoints.rotate_secret',
] as const;

/** The names of the faults, and the operations to which each applies. */
export const FAULTS = {
  error: OPERATIONS,
  'error-after': WRITES,
  refusal: OPERATIONS,
  reset: OPERATIONS,
  'reset-after': WRITES,
  late: ['batches.create'],
  html: OPERATIONS,
  page: OPERATIONS,
  'page-after': WRITES,
  hang: OPERATIONS,
  'hang-after': WRITES,
  slow: OPERATIONS,
  truncate: ['files.content'],
  stall: ['files.content'],
  'foreign-lines': ['files.content'],
  short: ['files.content', 'files.retrieve', 'files.list'],
  'not-found': ['files.retrieve', 'files.content', 'batches.retrieve', 'batches.cancel'],
  'not-visible': ['batches.create'],
  pending: FILES,
  'other-bytes': FILES,
  twice: ['batches.create'],
  lag: ['batches.list'],
  'same-page': ['batches.list'],
  'bare-list': ['batches.list', 'files.list'],
  endless: ['batches.list'],
  'odd-entries': ['batches.list'],
  'no-organization': OPERATIONS,
  'rewritten-file-id': BATCHES,
  'late-output-id': ['batches.list', 'batches.retrieve'],
  'no-counts': BATCHES,
  'empty-fields': BATCHES,
  'odd-times': BATCHES,
  capitals: BATCHES,
  'huge-metadata': BATCHES,
  'huge-answer': [...BATCHES, 'files.retrieve'],
  'odd-error-file': BATCHES,
  'long-ids': [...BATCHES, ...FILES],
  'odd-rows': ['batches.create'],
  'token-limit': ['batches.create'],
  expire: ['batches.create'],
  'failing-rows': ['batches.create'],
  'webhook-lost': ['batches.create'],
  'webhook-twice': ['batches.create'],
  'webhook-late': ['batches.create'],
  'webhook-out-of-order': ['batches.create'],
  'webhook-forged': ['batches.create'],
  'webhook-wrong-secret': ['batches.create'],
  'webhook-early': ['batches.create'],
} as const satisfies Record<string, readonly Operation[]>;

/** The body of a gateway's page: a web page, the `{message}` of an API gateway, or nothing. */
export const PAGE_BODIES = ['html', 'message', 'nothing'] as const;

/** A page of something in front of the API. With a status of 300 to 399, it has a `Location`. */
export interface GatewayPage {
  readonly status: number;
  readonly body: (typeof PAGE_BODIES)[number];
}

/** The faults of things that are younger than `seconds` of the server's clock, with their default seconds. */
export const FAULTS_OF_THE_YOUNG = {
  lag: 120,
  'late-output-id': 600,
  'not-found': 600,
  'not-visible': 120,
  pending: 60,
  'foreign-lines': 600,
  short: 600,
} as const satisfies Partial<Record<keyof typeof FAULTS, number>>;

/** The faults of a batch's webhooks; webhooks.ts carries them out. */
export type WebhookFault =
  | {
      readonly fault:
        | 'webhook-lost'
        | 'webhook-twice'
        | 'webhook-forged'
        | 'webhook-wrong-secret'
        | 'webhook-early';
    }
  /** The first attempt comes `seconds` of the server's clock after the end, or after a later webhook was sent. */
  | { readonly fault: keyof typeof WEBHOOK_DELAYS; readonly seconds: number };

/** The faults that delay a webhook, with their default seconds. */
export const WEBHOOK_DELAYS = { 'webhook-late': 3_600, 'webhook-out-of-order': 600 } as const;

/** Changes that need nothing but the response itself; see odd-answers.ts. */
export type PlainOddity =
  | 'bare-list'
  | 'endless'
  | 'odd-entries'
  | 'rewritten-file-id'
  | 'no-counts'
  | 'empty-fields'
  | 'odd-times'
  | 'capitals'
  | 'huge-metadata'
  | 'huge-answer'
  | 'odd-error-file'
  | 'long-ids'
  | 'other-bytes';

type FaultWithoutFields =
  | 'reset'
  | 'reset-after'
  | 'html'
  | 'truncate'
  /**
   * No response comes, and the connection stays open until the client leaves. `stall` does so in the middle of the
   * content.
   */
  | 'hang'
  | 'hang-after'
  | 'stall'
  /** The request arrives twice: two batches run on the file, and the client learns of the first. */
  | 'twice'
  /** The list starts again from its beginning, whatever page was requested. */
  | 'same-page'
  | 'no-organization'
  /** The result lines have the odd shapes of some vendors. */
  | 'odd-rows'
  | PlainOddity
  | BatchBehavior;

/** `error`, `reset` and `html` replace the work. The `-after` faults happen after the work, instead of the response. */
export type Fault =
  | {
      readonly fault: 'error' | 'error-after';
      readonly status: number;
      /** Seconds in the header `Retry-After`; null omits it. */
      readonly retryAfter: number | null;
    }
  /** One of the API's own refusals, by its name in refusals.ts. */
  | { readonly fault: 'refusal'; readonly says: RefusalName }
  | ({ readonly fault: 'page' | 'page-after' } & GatewayPage)
  | { readonly fault: FaultWithoutFields }
  /** The connection is cut, and the batch is created `seconds` of the server's clock later. */
  | { readonly fault: 'late'; readonly seconds: number }
  /** Milliseconds of wall time, because a client waits. */
  | { readonly fault: 'slow'; readonly ms: number }
  /**
   * Affects things that are younger than `seconds` of the server's clock: a batch, a file, or the results of a batch
   * since its end.
   */
  | { readonly fault: keyof typeof FAULTS_OF_THE_YOUNG; readonly seconds: number }
  /** A share of the batch's rows fails with a status. */
  | ({ readonly fault: 'failing-rows' } & FailingRows)
  | WebhookFault;

export interface FaultRule {
  readonly on: readonly Operation[];
  readonly fault: Fault;
  /** The share of requests to which it applies, 0 to 1. */
  readonly rate: number;
  /** The maximum number of requests to which it applies, since the server's start; Infinity for all. */
  readonly times: number;
  /** For how many seconds of the server's clock after its start the rule applies. By default, it always applies. */
  readonly lasts?: number;
}

/** The rules of a server, in order. */
export type FaultPlan = readonly FaultRule[];
