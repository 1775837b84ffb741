import { describe, expect, it } from 'vitest';
import { enqueuedLimitIn } from '../../../../functions/shared/domain/waiting/enqueued-limit.ts';
import {
  afterCompletion,
  afterLimitRefusal,
  type LearnedLimit,
  type LimitRefusal,
  limitedModels,
  limitsOf,
} from '../../../../functions/shared/domain/waiting/learned-limits.ts';
import { NOON } from '../../../contracts/samples.ts';

const MINUTE = 60_000;
const MODEL = 'gpt-4o-mini';
const TOKENS = 'Enqueued token limit reached for gpt-4o-mini. Limit: 90,000 enqueued tokens.';
const REQUESTS = 'Enqueued request limit reached for gpt-4o-mini. Limit: 1,000 enqueued requests.';
const NO_NUMBER = 'Enqueued token limit reached. Please try again later.';

/**
 * Returns a refusal with this message of a part with 800 tokens, some minutes after noon, while `accepted` were
 * enqueued.
 */
function refusal(
  said: string,
  minutes: number,
  fields: Partial<LimitRefusal['refused']> & { accepted?: number } = {},
): LimitRefusal {
  const { accepted = 400, ...refused } = fields;
  const limit = enqueuedLimitIn(said, 'token_limit_exceeded');
  const at = NOON + minutes * MINUTE;
  return {
    model: MODEL,
    at,
    refused: { sentAt: at, uploadBytes: 3_200, said, ...(limit ? { limit } : {}), ...refused },
    amounts: { refused: { tokens: 800, requests: 8 }, accepted: { tokens: accepted, requests: 4 } },
  };
}

function taughtBy(...refusals: LimitRefusal[]): LearnedLimit[] {
  return refusals.reduce<LearnedLimit[]>(afterLimitRefusal, []);
}

const NONE = { enqueuedTokens: {} };

describe('a limit that a refusal states', () => {
  it('is learned with the message and the time of the refusal', () => {
    expect(taughtBy(refusal(TOKENS, 0))).toEqual([
      { name: MODEL, counts: 'tokens', models: [MODEL], limit: 90_000, said: TOKENS, at: NOON },
    ]);
    expect(limitsOf(NONE, taughtBy(refusal(TOKENS, 0)), MODEL)).toEqual({ tokens: 90_000, namedAt: NOON });
  });

  it('applies to requests separately from tokens', () => {
    const learned = taughtBy(refusal(TOKENS, 0), refusal(REQUESTS, 1));
    expect(limitsOf(NONE, learned, MODEL)).toEqual({
      tokens: 90_000,
      requests: 1_000,
      namedAt: NOON + MINUTE,
    });
  });

  it('replaces an assumed limit, and a later number replaces it', () => {
    const raised = TOKENS.replace('90,000', '2M');
    const learned = taughtBy(refusal(NO_NUMBER, 0), refusal(TOKENS, 1), refusal(raised, 2));
    expect(learned).toHaveLength(1);
    expect(learned[0]).toMatchObject({ limit: 2_000_000, at: NOON + 2 * MINUTE });
    expect(learned[0]).not.toHaveProperty('assumed');
  });

  it('is not lowered by a refusal below it, with or without a number, because other programs use the account', () => {
    const learned = taughtBy(refusal(TOKENS, 0));
    expect(afterLimitRefusal(learned, refusal(TOKENS, 5))).toEqual(learned);
    expect(limitsOf(NONE, afterLimitRefusal(learned, refusal(NO_NUMBER, 6)), MODEL).tokens).toBe(90_000);
  });

  it('does not grow with completed batches', () => {
    const learned = taughtBy(refusal(TOKENS, 0));
    expect(afterCompletion(learned, MODEL)).toEqual(learned);
  });

  it('is overridden by a configured limit, only for tokens', () => {
    const learned = taughtBy(refusal(TOKENS, 0), refusal(REQUESTS, 1));
    const set = { enqueuedTokens: { [MODEL]: 5_000 } };
    expect(limitsOf(set, learned, MODEL)).toMatchObject({ tokens: 5_000, requests: 1_000 });
    expect(limitedModels(set, learned)).toEqual([]);
    expect(limitedModels(NONE, learned)).toEqual([MODEL]);
  });
});

describe('while no refusal states a number', () => {
  it('half of what was enqueued is assumed, and never less than what was accepted', () => {
    expect(taughtBy(refusal(NO_NUMBER, 0))[0]?.assumed).toEqual({ limit: 600, step: 75 });
    expect(taughtBy(refusal(NO_NUMBER, 0, { accepted: 1_000 }))[0]?.assumed?.limit).toBe(1_000);
  });

  it('each completed batch adds an eighth to the limit, so that eight batches double it', () => {
    let learned = taughtBy(refusal(NO_NUMBER, 0));
    for (let batches = 0; batches < 8; batches += 1) learned = afterCompletion(learned, MODEL);
    expect(learned[0]?.assumed?.limit).toBe(1_200);
    expect(afterCompletion(learned, 'gpt-4o')).toEqual(learned);
  });

  it('another refusal halves the limit, unless its call was already under way', () => {
    const once = taughtBy(refusal(NO_NUMBER, 0));
    const later = refusal(NO_NUMBER, 9, { accepted: 0, nth: 2 });
    expect(afterLimitRefusal(once, later)[0]?.assumed).toEqual({ limit: 300, step: 38 });
    const underWay = { ...later, refused: { ...later.refused, sentAt: NOON - MINUTE } };
    expect(afterLimitRefusal(once, underWay)[0]?.assumed).toEqual({ limit: 600, step: 75 });
  });

  it('a part that is refused with nothing else enqueued waits twice before anything is assumed', () => {
    const alone = (nth: number) => refusal(NO_NUMBER, nth, { accepted: 0, nth });
    expect(taughtBy(alone(1), alone(2))).toEqual([]);
    expect(taughtBy(alone(1), alone(2), alone(3))[0]?.assumed?.limit).toBe(400);
  });
});

it('a limit with the name of a deployment applies to each model that was refused with that name, and to no other', () => {
  const said = (name: string) =>
    `The number of enqueued tokens has surpassed the configured limit of 30K for the deployment '${name}'.`;
  const learned = taughtBy(refusal(said('D'), 0), { ...refusal(said('D'), 1), model: 'gpt-4o' });
  expect(learned).toMatchObject([{ name: 'D', models: [MODEL, 'gpt-4o'], limit: 30_000 }]);
  expect(limitsOf(NONE, learned, 'gpt-4o').tokens).toBe(30_000);
  expect(limitsOf(NONE, learned, 'gpt-4.1')).toEqual({});
});
