import { FAULTS, type Fault, type FaultPlan, type FaultRule, type Operation } from './faults.ts';
import type { RefusalName } from './refusals.ts';

/** Returns a rule that applies to every supported operation by default. */
function rule(fault: Fault, more: Partial<Omit<FaultRule, 'fault'>> = {}): FaultRule {
  const on: readonly Operation[] = FAULTS[fault.fault];
  return { on, rate: 1, times: Number.POSITIVE_INFINITY, fault, ...more };
}

const tooMany: Fault = { fault: 'error', status: 429, retryAfter: 2 };

const MINUTES = 60;
const SIX_HOURS = 6 * 3_600;
const CREATE: readonly Operation[] = ['batches.create'];
/** The operations that need an account that can pay. */
const SENDS: readonly Operation[] = ['files.create', 'batches.create'];
const READS: readonly Operation[] = ['batches.list', 'batches.retrieve', 'files.retrieve', 'files.content'];

function refused(says: RefusalName, more: Partial<Omit<FaultRule, 'fault'>>): FaultRule {
  return rule({ fault: 'refusal', says }, more);
}

const PRESETS = {
  /** A bad day of the network and the gateway: some of each fault, none of them permanent. */
  flaky: [
    rule({ fault: 'error', status: 500, retryAfter: null }, { rate: 0.05 }),
    rule({ fault: 'error', status: 503, retryAfter: 1 }, { rate: 0.05 }),
    rule({ fault: 'reset' }, { rate: 0.03 }),
    rule({ fault: 'reset-after' }, { rate: 0.1 }),
    rule({ fault: 'html' }, { rate: 0.03 }),
    rule({ fault: 'truncate' }, { rate: 0.2 }),
    rule({ fault: 'slow', ms: 300 }, { rate: 0.1 }),
  ],
  /** Half of the uploads and new batches are rejected, and a tenth of all other requests. */
  'rate-limited': [
    rule(tooMany, { on: ['files.create', 'batches.create'], rate: 0.5 }),
    rule(tooMany, { rate: 0.1 }),
  ],
  /** The first batch fails with the enqueued token limit, later ones occasionally. */
  'token-limit': [
    rule({ fault: 'token-limit' }, { times: 1 }),
    rule({ fault: 'token-limit' }, { rate: 0.3 }),
  ],
  /** Each batch expires with about half of its rows done. */
  expiring: [rule({ fault: 'expire' })],
  /** Each batch is created, but the client gets an error. */
  'accept-then-500': [
    rule({ fault: 'error-after', status: 500, retryAfter: null }, { on: ['batches.create'] }),
  ],
  /** The list is slow and lacks the newest batches. */
  'slow-list': [
    rule({ fault: 'slow', ms: 1_000 }, { on: ['batches.list'] }),
    rule({ fault: 'lag', seconds: 120 }),
  ],
  /**
   * A gateway in front of the API: it rewrites ids, responds in the API's place after accepted creates, and sends some
   * requests twice.
   */
  gateway: [
    rule({ fault: 'rewritten-file-id' }),
    rule({ fault: 'page-after', status: 403, body: 'html' }, { on: CREATE, rate: 0.1, times: 2 }),
    rule({ fault: 'page-after', status: 404, body: 'message' }, { on: CREATE, rate: 0.1, times: 2 }),
    rule({ fault: 'page-after', status: 413, body: 'html' }, { on: CREATE, rate: 0.1, times: 1 }),
    rule({ fault: 'page-after', status: 429, body: 'message' }, { on: CREATE, rate: 0.1, times: 2 }),
    rule({ fault: 'page-after', status: 302, body: 'nothing' }, { on: CREATE, rate: 0.1, times: 2 }),
    rule({ fault: 'page', status: 413, body: 'html' }, { on: ['files.create'], rate: 0.05, times: 1 }),
    rule({ fault: 'page', status: 403, body: 'html' }, { on: READS, rate: 0.03, lasts: SIX_HOURS }),
    rule({ fault: 'page', status: 302, body: 'nothing' }, { on: READS, rate: 0.03, lasts: SIX_HOURS }),
    rule({ fault: 'twice' }, { rate: 0.15, times: 3 }),
  ],
  /** For some time after the end of a batch, its results are missing or wrong. */
  'slow-results': [
    rule({ fault: 'late-output-id', seconds: 10 * MINUTES }),
    rule({ fault: 'not-found', seconds: 20 * MINUTES }, { on: ['files.retrieve', 'files.content'] }),
    rule({ fault: 'foreign-lines', seconds: 30 * MINUTES }),
    rule({ fault: 'short', seconds: 40 * MINUTES }),
    rule({ fault: 'truncate' }, { rate: 0.2 }),
    rule({ fault: 'odd-rows' }),
  ],
  /** An unreliable list: it omits batches, repeats itself, and shows entries that are not batches. */
  'forgetful-list': [
    rule({ fault: 'lag', seconds: 5 * MINUTES }),
    rule({ fault: 'not-found', seconds: 2 * MINUTES }, { on: ['batches.retrieve', 'batches.cancel'] }),
    rule({ fault: 'no-organization' }, { on: ['batches.list'] }),
    rule({ fault: 'odd-entries' }, { rate: 0.5 }),
    rule({ fault: 'bare-list' }, { on: ['batches.list'], rate: 0.2, lasts: SIX_HOURS }),
    rule({ fault: 'same-page' }, { rate: 0.2, lasts: SIX_HOURS }),
    rule({ fault: 'endless' }, { rate: 0.2, lasts: SIX_HOURS }),
    rule({ fault: 'page-after', status: 403, body: 'html' }, { on: CREATE, rate: 0.3, times: 3 }),
  ],
  /** An account that cannot pay, has no storage left, or does not see its own files yet. */
  broke: [
    refused('insufficient_quota', { on: SENDS, rate: 0.3, times: 3 }),
    refused('billing_hard_limit_reached', { on: SENDS, rate: 0.3, times: 2 }),
    refused('credit_balance_exhausted', { on: SENDS, rate: 0.3, times: 1 }),
    refused('organization_usage_limit_exceeded', { on: SENDS, rate: 0.2, times: 1 }),
    refused('organization_spend_limit_exceeded', { on: SENDS, rate: 0.2, times: 1 }),
    refused('project_spend_limit_exceeded', { on: SENDS, rate: 0.2, times: 1 }),
    refused('billing_not_active', { on: SENDS, rate: 0.2, times: 1 }),
    refused('plan', { on: CREATE, rate: 0.2, times: 1 }),
    refused('storage_full', { on: ['files.create'], rate: 0.3, times: 3 }),
    refused('too_many_files', { on: ['files.create'], rate: 0.3, times: 2 }),
    refused('input_file_not_found', { on: CREATE, rate: 0.2, times: 1 }),
    refused('input_file_not_found_detail', { on: CREATE, rate: 0.2, times: 1 }),
    refused('enqueued_tokens', { on: CREATE, rate: 0.2, times: 1 }),
    refused('azure_enqueued_tokens', { on: CREATE, rate: 0.2, times: 1 }),
    refused('enqueued_requests', { on: CREATE, rate: 0.2, times: 1 }),
    refused('too_many_creates', { on: CREATE, rate: 0.2, times: 2 }),
    rule({ fault: 'not-visible', seconds: 3 * MINUTES }),
  ],
  /** Responses of odd shapes, and calls without a response. */
  'odd-neighbours': [
    rule({ fault: 'long-ids' }),
    rule({ fault: 'odd-times' }),
    rule({ fault: 'capitals' }, { rate: 0.5 }),
    rule({ fault: 'no-counts' }, { rate: 0.3 }),
    rule({ fault: 'empty-fields' }, { rate: 0.3 }),
    rule({ fault: 'odd-error-file' }, { on: ['batches.retrieve', 'batches.list'], rate: 0.3 }),
    rule({ fault: 'huge-metadata' }, { on: ['batches.retrieve', 'batches.list'], rate: 0.2 }),
    rule({ fault: 'huge-answer' }, { on: ['batches.retrieve', 'batches.list'], rate: 0.1, times: 3 }),
    rule({ fault: 'other-bytes' }, { on: ['files.create'], rate: 0.3, times: 2 }),
    rule({ fault: 'pending', seconds: 2 * MINUTES }),
    rule(
      { fault: 'hang' },
      { on: ['batches.list', 'batches.retrieve', 'batches.cancel'], rate: 0.05, times: 4 },
    ),
    rule({ fault: 'hang' }, { on: ['files.create', 'files.retrieve', 'files.delete'], rate: 0.05, times: 2 }),
    rule({ fault: 'hang-after' }, { on: CREATE, rate: 0.1, times: 1 }),
    rule({ fault: 'stall' }, { rate: 0.1, times: 1 }),
  ],
  /** Unreliable webhooks. */
  'odd-webhooks': [
    rule({ fault: 'webhook-lost' }, { rate: 0.1 }),
    rule({ fault: 'webhook-twice' }, { rate: 0.2 }),
    rule({ fault: 'webhook-late', seconds: 60 * MINUTES }, { rate: 0.1 }),
    rule({ fault: 'webhook-out-of-order', seconds: 10 * MINUTES }, { rate: 0.2 }),
    rule({ fault: 'webhook-forged' }, { rate: 0.3 }),
    rule({ fault: 'webhook-wrong-secret' }, { rate: 0.2 }),
    rule({ fault: 'webhook-early' }, { rate: 0.1 }),
  ],
} as const satisfies Record<string, FaultPlan>;

export const PRESET_NAMES: readonly string[] = Object.keys(PRESETS);

export function isPreset(name: string): name is keyof typeof PRESETS {
  return Object.hasOwn(PRESETS, name);
}

export function presetPlan(name: keyof typeof PRESETS): FaultPlan {
  return PRESETS[name];
}
