import { describe, expect, it } from 'vitest';
import type { JobAccepted, JobEstimate } from '../../../functions/shared/contract/events.ts';
import { jobStatusExamples } from '../../../functions/shared/contract/examples.ts';
import { amountOf } from '../../../functions/shared/domain/money/amount.ts';
import { reasonToHold } from '../../../functions/shared/domain/money/reason-to-hold.ts';

const { estimate: KNOWN } = jobStatusExamples.accepted.detail.data as JobAccepted;
if (!KNOWN) throw new Error('the example has no estimate');

const at = (high: string): JobEstimate => ({ ...KNOWN, cost: { low: '0.01', likely: '0.02', high } });
const UNBOUNDED: JobEstimate = { ...KNOWN, cost: { low: '0.01', likely: '0.02', high: null } };
const UNPRICED: JobEstimate = {
  ...KNOWN,
  cost: null,
  models: {
    count: 2,
    first: [{ model: 'llama-9', rows: 3, price: 'unknown', priceDate: null }, ...KNOWN.models.first],
  },
};
const above = (decimal: string) => ({ approveAbove: amountOf(decimal) ?? -1n });

describe('a job is held', () => {
  it.each([
    ['not without a limit, whatever it costs', {}, at('1000000'), undefined],
    ['not without a limit, although its cost is not known', {}, UNPRICED, undefined],
    ['not if it costs the limit at most', above('20'), at('20.00'), undefined],
    ['if it may cost a trillionth more', above('20'), at('20.000000000001'), 'above_limit'],
    ['if it costs anything and nothing is allowed', above('0'), at('0.000000000001'), 'above_limit'],
    ['not if it costs nothing and nothing is allowed', above('0'), at('0.00'), undefined],
    ['if its model has no price', above('20'), UNPRICED, 'price_unknown'],
    ['if its rows may have any output', above('20'), UNBOUNDED, 'output_unbounded'],
    ['if there is no estimate', above('20'), undefined, 'cost_unknown'],
    ['if the estimate is no amount', above('20'), at('lots'), 'above_limit'],
  ])('%s', (_, policy, estimate, code) => {
    expect(reasonToHold(policy, { isAsked: false, estimate })?.code).toBe(code);
  });

  it.each([
    ['no limit', {}, undefined],
    ['a limit that it does not reach', above('20'), at('1')],
    ['a limit that it exceeds', above('20'), at('100')],
  ])('if its file asks for it, with %s', (_, policy, estimate) => {
    expect(reasonToHold(policy, { isAsked: true, estimate })?.code).toBe('hold_requested');
  });

  it.each([
    [at('31.5'), 'it may cost 31.5 USD, which is above 20.00 USD'],
    [UNPRICED, 'its cost may be above 20.00: no price is known for llama-9'],
    [
      UNBOUNDED,
      'its cost may be above 20.00: rows set no limit for their output, such as max_tokens, and no batch of such rows was measured',
    ],
  ])('for a reason that says what to change', (estimate, message) => {
    expect(reasonToHold(above('20'), { isAsked: false, estimate })?.message).toBe(message);
  });
});
