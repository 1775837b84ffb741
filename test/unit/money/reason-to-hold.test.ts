import { describe, expect, it } from 'vitest';
import { amountOf } from '../../../functions/shared/domain/money/amount.ts';
import { type HighEstimate, reasonToHold } from '../../../functions/shared/domain/money/reason-to-hold.ts';

const at = (high: string): HighEstimate => ({ currency: 'USD', high });
const above = (decimal: string) => ({ approveAbove: amountOf(decimal) ?? 0n });
const UNPRICED: HighEstimate = {
  unknown: { code: 'price_unknown', message: 'no price table has the model llama-9' },
};

describe('a job is held', () => {
  it.each<[string, ReturnType<typeof above> | object, HighEstimate | undefined, string | undefined]>([
    ['not without a limit, whatever it costs', {}, at('1000000'), undefined],
    ['not without a limit, although its cost is not known', {}, UNPRICED, undefined],
    ['not if it costs the limit at most', above('20'), at('20.00'), undefined],
    ['if it may cost a trillionth more', above('20'), at('20.000000000001'), 'above_limit'],
    ['if anything costs too much', above('0'), at('0.000000000001'), 'above_limit'],
    ['not if it costs nothing and nothing is allowed', above('0'), at('0.00'), undefined],
    ['if its model has no price', above('20'), UNPRICED, 'price_unknown'],
    ['if there is no estimate', above('20'), undefined, 'cost_unknown'],
    ['if the estimate is no amount', above('20'), at('lots'), 'above_limit'],
  ])('%s', (_, policy, estimate, code) => {
    const reason = reasonToHold(policy, { isAsked: false, ...(estimate && { estimate }) });
    expect(reason?.code).toBe(code);
  });

  it('if its file asks for it, whatever it costs', () => {
    expect(reasonToHold({}, { isAsked: true })?.code).toBe('hold_requested');
    expect(reasonToHold(above('20'), { isAsked: true, estimate: at('1') })?.code).toBe('hold_requested');
  });

  it('for a reason with both amounts, or with what is not known', () => {
    expect(reasonToHold(above('20'), { isAsked: false, estimate: at('31.5') })?.message).toBe(
      'it may cost 31.5 USD, which is above 20.00 USD',
    );
    expect(reasonToHold(above('20'), { isAsked: false, estimate: UNPRICED })?.message).toBe(
      'its cost may be above 20.00: no price table has the model llama-9',
    );
  });
});
