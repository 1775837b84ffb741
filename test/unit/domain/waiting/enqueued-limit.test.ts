import { expect, it } from 'vitest';
import {
  enqueuedLimitIn,
  type NamedLimit,
} from '../../../../functions/shared/domain/waiting/enqueued-limit.ts';

const TRY_AGAIN = 'Please try again once some in_progress batches have been completed.';

const tokens = (limit?: number, name?: string): NamedLimit => ({
  counts: 'tokens',
  ...(name === undefined ? {} : { name }),
  ...(limit === undefined ? {} : { limit }),
});
const requests = (limit?: number, name?: string): NamedLimit => ({
  ...tokens(limit, name),
  counts: 'requests',
});

it.each<[string, NamedLimit]>([
  [
    `Enqueued token limit reached for gpt-4o in organization org-abc123. Limit: 90,000 enqueued tokens. ${TRY_AGAIN}`,
    tokens(90_000, 'gpt-4o'),
  ],
  [
    `Enqueued token limit reached for gpt-4.1. Limit: 900,000 enqueued tokens. ${TRY_AGAIN}`,
    tokens(900_000, 'gpt-4.1'),
  ],
  [
    `Enqueued token limit reached for gpt-5.4 in organization org-1. Limit: 900000 enqueued tokens.`,
    tokens(900_000, 'gpt-5.4'),
  ],
  [
    `Enqueued token limit reached for gpt-5.6-luna. Limit: 2_000_000 enqueued tokens.`,
    tokens(2_000_000, 'gpt-5.6-luna'),
  ],
  [
    `Enqueued token limit reached for gpt-5-mini. Limit: 5 000 000 enqueued tokens.`,
    tokens(5_000_000, 'gpt-5-mini'),
  ],
  [
    `Enqueued token limit reached for gpt-5-mini. Limit: 5\u202f000\u202f000 enqueued tokens.`,
    tokens(5_000_000, 'gpt-5-mini'),
  ],
  [
    `Enqueued token limit reached for gpt-5-mini. Limit: 5.000.000 enqueued tokens.`,
    tokens(5_000_000, 'gpt-5-mini'),
  ],
  [
    `Enqueued token limit reached for gpt-5-mini. Limit: 90.000 enqueued tokens.`,
    tokens(90_000, 'gpt-5-mini'),
  ],
  [
    `Enqueued token limit reached for gpt-5-mini. Limit: 5M enqueued tokens.`,
    tokens(5_000_000, 'gpt-5-mini'),
  ],
  [
    `Enqueued token limit reached for gpt-5-mini. Limit: 1.5M enqueued tokens.`,
    tokens(1_500_000, 'gpt-5-mini'),
  ],
  [
    `Enqueued token limit reached for gpt-5-mini. Limit: 1,5 million enqueued tokens.`,
    tokens(1_500_000, 'gpt-5-mini'),
  ],
  [
    `Enqueued token limit reached for gpt-5-mini. Limit: 1,000K enqueued tokens.`,
    tokens(1_000_000, 'gpt-5-mini'),
  ],
  [
    `Enqueued token limit reached for gpt-5-mini. Limit: 2 B enqueued tokens.`,
    tokens(2_000_000_000, 'gpt-5-mini'),
  ],
  [
    `Enqueued token limit reached for gpt-4o-mini in organization org-1. ${TRY_AGAIN}`,
    tokens(undefined, 'gpt-4o-mini'),
  ],
  [`Enqueued token limit reached. Limit: 90,000 enqueued tokens.`, tokens(90_000)],
  [`Enqueued token limit reached for organization org-1. Limit: 90,000 enqueued tokens.`, tokens(90_000)],
  [
    `Enqueued request limit reached for text-embedding-3-small in organization org-1. Limit: 1,000,000 enqueued requests. ${TRY_AGAIN}`,
    requests(1_000_000, 'text-embedding-3-small'),
  ],
  [
    `Enqueued request limit reached for text-embedding-3-small. Limit: 50000 enqueued requests.`,
    requests(50_000, 'text-embedding-3-small'),
  ],
  [
    "The number of enqueued tokens has surpassed the configured limit of 30K for the deployment 'D'. Please try again later.",
    tokens(30_000, 'D'),
  ],
  [
    "The number of enqueued tokens has surpassed the configured limit of 1.5M for the deployment 'My Deployment 2'.",
    tokens(1_500_000, 'My Deployment 2'),
  ],
  [
    'The number of enqueued tokens has surpassed the configured limit of 30000 for the deployment gpt-4o.',
    tokens(30_000, 'gpt-4o'),
  ],
  ['The number of enqueued requests has surpassed the configured limit of 5k.', requests(5_000)],
  ['Too many enqueued tokens for model `gpt-4o`: the limit is 90,000.', tokens(90_000, 'gpt-4o')],
  ['You have exceeded 90,000 enqueued tokens.', tokens(90_000)],
  ['Batch queue limit exceeded for model gpt-4o: max 90,000 tokens in queue', tokens(90_000, 'gpt-4o')],
  [
    'Enqueued token limit reached for ft:gpt-4o-mini-2024-07-18:acme::abc123 in organization org-1. Limit: 90,000 enqueued tokens.',
    tokens(90_000, 'ft:gpt-4o-mini-2024-07-18:acme::abc123'),
  ],
  [
    'Batch enqueued token limit exceeded for key: abc. Batch requires 120000 tokens but only 20000 of 90000 enqueued tokens are available.',
    tokens(90_000),
  ],
  [
    'Batch requires 120000 tokens but only 20000 enqueued tokens remaining out of 90000 limit.',
    tokens(90_000),
  ],
  ['Enqueued tokens exceeded: 95,000 enqueued tokens in use, 2,000 requested.', tokens()],
  ['You have exceeded the maximum number of enqueued tokens (90,000) for gpt-4o.', tokens(90_000)],
  ['Enqueued token limit reached for model gpt-4o: 90,000 tokens.', tokens(90_000, 'gpt-4o')],
  ['Limit of enqueued tokens reached: 90,000', tokens(90_000)],
  ['enqueued_tokens limit exceeded: limit 90000', tokens(90_000)],
  ['Enqueued-token limit reached for gpt-4o. Limit: 90,000 enqueued-tokens.', tokens(90_000, 'gpt-4o')],
  ['Enqueued token limit reached for gpt-4o. Limit: 9,00,000 enqueued tokens.', tokens(900_000, 'gpt-4o')],
  ['Enqueued token limit reached for gpt-4o. Limit: 1e6 enqueued tokens.', tokens(undefined, 'gpt-4o')],
  ['Enqueued token limit reached for gpt-4o. Limit: -1 enqueued tokens.', tokens(undefined, 'gpt-4o')],
  ['Enqueued token limit reached for gpt-4o. Limit: 90,0000 enqueued tokens.', tokens(undefined, 'gpt-4o')],
  ['Enqueued token limit reached for gpt-4o. Limit: 0 enqueued tokens.', tokens(undefined, 'gpt-4o')],
  [
    `Enqueued token limit reached for gpt-4o. Limit: ${'9'.repeat(400)} enqueued tokens.`,
    tokens(undefined, 'gpt-4o'),
  ],
])('reads: %s', (text, expected) => {
  expect(enqueuedLimitIn(text)).toEqual(expected);
  expect(enqueuedLimitIn(text.toUpperCase())).toMatchObject({ counts: expected.counts });
});

it.each<[string, string, NamedLimit]>([
  ['token_limit_exceeded', 'No capacity.', tokens()],
  ['token_limit_exceeded', '', tokens()],
  ['request_limit_exceeded', 'No capacity.', requests()],
  ['enqueued_token_limit_reached', 'Limit: 90,000', tokens(90_000)],
  ['token_limit_exceeded', 'Limite de 90 000 jetons.', tokens()],
])('the code %s is enough: "%s"', (code, text, expected) => {
  expect(enqueuedLimitIn(text, code)).toEqual(expected);
});

it.each([
  'Rate limit reached for gpt-4o in organization org-1 on tokens per min (TPM): Limit 30000, Used 29000, Requested 2000.',
  'Rate limit reached for requests',
  'You exceeded your current quota, please check your plan and billing details.',
  'Billing hard limit has been reached',
  'Invalid request: the file has 60000 requests, the maximum is 50000.',
  '',
])('is about something else: %s', (text) => {
  expect(enqueuedLimitIn(text, 'rate_limit_exceeded')).toBeUndefined();
  expect(enqueuedLimitIn(text, null)).toBeUndefined();
});

it('reads a hostile text quickly', () => {
  for (const text of [
    'enqueued token limit '.repeat(5_000),
    `enqueued token limit ${'1,'.repeat(50_000)}`,
    `enqueued token limit ${' '.repeat(100_000)}`,
  ])
    expect(enqueuedLimitIn(text)).toMatchObject({ counts: 'tokens' });
});
