import { describe, expect, it } from 'vitest';
import {
  MISSING_CODE,
  readRowError,
  refusalOf,
  statusOf,
} from '../../../functions/shared/result-lines/row-error.ts';

const bytes = (line: unknown) => Buffer.from(JSON.stringify(line));
const answered = (status: unknown, body: unknown, error: unknown = null) => ({
  ...{ id: 'batch_req_1', custom_id: 'a', response: { status_code: status, body }, error },
});

describe('the error of a row', () => {
  it.each([
    [
      'in its response',
      answered(400, { error: { code: 'bad', message: 'No.' } }, { code: 'x', message: 'y' }),
      'bad',
      'No.',
    ],
    [
      'with a type for a code',
      answered(400, { error: { code: null, type: 'invalid', message: 'No.' } }),
      'invalid',
      'No.',
    ],
    ['with an empty code', answered(400, { error: { code: '', message: 'No.' } }), 'http_400', 'No.'],
    ['that is a text', answered(429, { error: 'Slow down.' }), 'http_429', 'Slow down.'],
    ['as a detail', answered(422, { detail: 'No such field.' }), 'http_422', 'No such field.'],
    ['as a message', answered(500, { message: 'Oops.' }), 'http_500', 'Oops.'],
    ['that is empty in the response', answered(400, { error: '' }, { code: 'x', message: 'y' }), 'x', 'y'],
    [
      'of its own',
      { response: null, error: { code: 'batch_expired', message: 'Late.' } },
      'batch_expired',
      'Late.',
    ],
    ['of its own that is a text', { response: null, error: 'Late.' }, 'failed', 'Late.'],
    ['without a message', answered(503, {}), 'http_503', 'the API returned no message (http_503)'],
    ['without anything', {}, 'failed', 'the API returned no message (failed)'],
    ['of no object', [], 'failed', 'the API returned no message (failed)'],
  ])('%s is read', (_, line, code, message) => {
    expect(readRowError(bytes(line))).toEqual({ code, message });
  });

  it('of a line that is not JSON has no words', () => {
    expect(readRowError(Buffer.from('{'))).toEqual({
      code: 'failed',
      message: 'the API returned no message (failed)',
    });
  });

  it('has a bounded length, and ends between characters', () => {
    const error = { code: 'c'.repeat(65), message: `${'m'.repeat(299)}😀` };
    expect(readRowError(bytes({ error }))).toEqual({
      code: 'c'.repeat(64),
      message: `${'m'.repeat(299)}\ufffd`,
    });
  });
});

describe('the status of a response', () => {
  it.each([
    [{ status_code: 200 }, 200],
    [{ statusCode: 201 }, 201],
    [{ status: 202 }, 202],
    [{ status_code: null, status: '429' }, 429],
    [{ status_code: 0, status: 429 }, 0],
    [{ status: '2000' }, undefined],
    [{ status: 'ok' }, undefined],
    [{ status: true }, undefined],
    [{}, undefined],
    [null, undefined],
  ])('%j is %s', (response, status) => {
    expect(statusOf(response)).toBe(status);
  });
});

describe('a row that has to be asked for before it runs again', () => {
  const ours = (id: unknown, code: string) => ({
    id,
    custom_id: 'a',
    response: null,
    error: { code, message: 'm' },
  });

  it.each([
    [answered(400, {}), 'refused'],
    [answered(499, {}), 'refused'],
    [answered(399, {}), undefined],
    [answered(500, {}), undefined],
    [answered(408, {}), undefined],
    [answered(409, {}), undefined],
    [answered(429, {}), undefined],
    [answered(0, {}, { code: '400' }), 'refused'],
    [answered(0, {}, { code: '503' }), undefined],
    [answered(0, {}, { code: '4000' }), undefined],
    [answered(500, {}, { code: '400' }), undefined],
    [ours('batch_req_1', '404'), 'refused'],
    [ours(null, MISSING_CODE), 'missing'],
    [ours('batch_req_1', MISSING_CODE), undefined],
    [ours(null, 'batch_expired'), undefined],
    [{ error: { code: 400 } }, undefined],
    ['text', undefined],
  ])('%j: %s', (line, expected) => {
    expect(refusalOf(bytes(line))).toBe(expected);
  });
});
