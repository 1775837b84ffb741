import { describe, expect, it } from 'vitest';
import type { BatchError } from '../../../../functions/shared/contract/events.ts';
import { passingRefusalOf } from '../../../../functions/shared/domain/waiting/passing-refusal.ts';
import { ACCOUNT_CODES } from '../../../contracts/account-codes.ts';
import { aBatch } from '../../../contracts/samples.ts';

const failed = (...errors: Partial<BatchError>[]) =>
  aBatch({
    status: 'failed',
    errors: errors.map((error) => ({ code: null, message: null, param: null, line: null, ...error })),
    errorCount: errors.length,
  });

describe('a batch that failed before a row ran waits for the account,', () => {
  it.each(ACCOUNT_CODES)('if its error has the code %s', (code) => {
    expect(passingRefusalOf(failed({ code, message: 'No.' }))).toEqual({ for: 'account', said: 'No.' });
  });

  it.each([
    'You exceeded your current quota, please check your plan and billing details.',
    'Billing hard limit has been reached.',
    'Your account is not active.',
  ])('if its message says so without a code: %s', (message) => {
    expect(passingRefusalOf(failed({ message }))).toEqual({ for: 'account', said: message });
  });
});

describe('a batch that failed before a row ran waits for other batches,', () => {
  it.each([
    'Concurrent batch limit reached (max 5 batches).',
    'Too many in-progress batches; try again later.',
  ])('if its error says that too many are open: %s', (message) => {
    expect(passingRefusalOf(failed({ message }))).toEqual({ for: 'token_limit', said: message });
  });

  it('whatever the shape of the error that names an enqueued limit', () => {
    const limit = { counts: 'tokens', name: 'gpt-4o', limit: 90_000 };
    const message = 'Enqueued token limit reached for gpt-4o. Limit: 90,000 enqueued tokens.';
    expect(passingRefusalOf(failed({ message }))).toEqual({ for: 'token_limit', limit, said: message });
  });
});

describe('a batch that failed has ended,', () => {
  it.each<[string, Partial<BatchError>[]]>([
    ['if the error is about the input', [{ code: 'model_not_found', message: 'The model is unknown.' }]],
    [
      'if the message of a row contains such text',
      [{ code: 'invalid_value', message: 'Bad url: billing', line: 3 }],
    ],
    [
      'if the message of a parameter contains such text',
      [{ code: 'invalid_value', message: 'credit', param: 'metadata' }],
    ],
    ['if it quotes such text', [{ code: 'invalid_value', message: 'Unknown name "upgrade your plan".' }]],
    [
      'if the input is also wrong',
      [
        { code: 'insufficient_quota', message: 'Pay.' },
        { code: 'invalid_json_line', message: 'No JSON.' },
      ],
    ],
  ])('%s', (_, errors) => {
    expect(passingRefusalOf(failed(...errors))).toBeUndefined();
  });
});
