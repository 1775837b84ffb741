import { FAULTS, type Fault, type FaultPlan, type FaultRule, type Operation } from './faults.ts';

/** Returns a rule that applies to every supported operation by default. */
function rule(fault: Fault, more: Partial<Omit<FaultRule, 'fault'>> = {}): FaultRule {
  const on: readonly Operation[] = FAULTS[fault.fault];
  return { on, rate: 1, times: Number.POSITIVE_INFINITY, fault, ...more };
}

const tooMany: Fault = { fault: 'error', status: 429, retryAfter: 2 };

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
} as const satisfies Record<string, FaultPlan>;

export const PRESET_NAMES: readonly string[] = Object.keys(PRESETS);

export function isPreset(name: string): name is keyof typeof PRESETS {
  return Object.hasOwn(PRESETS, name);
}

export function presetPlan(name: keyof typeof PRESETS): FaultPlan {
  return PRESETS[name];
}
