import { describe, expect, it } from 'vitest';
import { RowTally } from '../../../functions/deliver/part/row-accounting.ts';
import { RowStates } from '../../../functions/shared/part-rows/row-states.ts';
import { RowTable, RowTableWriter } from '../../../functions/shared/part-rows/row-table.ts';
import { readResultLine } from '../../../functions/shared/result-lines/result-line.ts';

const OK = { status_code: 200, request_id: 'r', body: {} };
const line = (customId: unknown, response: unknown = OK, error: unknown = null) =>
  readResultLine(Buffer.from(JSON.stringify({ id: 'batch_req_1', custom_id: customId, response, error })));

function tableOf(...ids: string[]): RowTable {
  const writer = new RowTableWriter();
  for (const [ordinal, id] of ids.entries()) writer.add({ ordinal, offset: 0, length: 1 }, id);
  return new RowTable(writer.gathered());
}

/** Returns a first attempt with rows of these ids. */
const account = (batchStatus: string, ...ids: string[]) =>
  new RowTally(tableOf(...ids), RowStates.fresh(ids.length), batchStatus);

describe('a result line', () => {
  it.each([
    ['status 200', OK, null, 'succeeded', false],
    ['status 299', { status_code: 299 }, null, 'succeeded', false],
    ['status 300', { status_code: 300 }, null, 'failed', false],
    ['status 400', { status_code: 400 }, null, 'failed', false],
    ['status 404', { status_code: 404 }, null, 'failed', false],
    ['status 408', { status_code: 408 }, null, 'failed', true],
    ['status 409', { status_code: 409 }, null, 'failed', true],
    ['status 429', { status_code: 429 }, null, 'failed', true],
    ['status 500', { status_code: 500 }, null, 'failed', true],
    ['status 599', { status_code: 599 }, null, 'failed', true],
    ['status 600', { status_code: 600 }, null, 'failed', false],
    ['status 0', { status_code: 0 }, null, 'failed', true],
    ['a status that is text', { status_code: '200' }, null, 'succeeded', false],
    ['a status that is not a number', { status_code: 'ok' }, null, 'failed', false],
    ['a status under another name', { status: 200, body: { id: 'c' } }, null, 'succeeded', false],
    ['a status under a third name', { statusCode: 429, body: {} }, null, 'failed', true],
    ['an invalid status under another name', { status: 'ok', body: {} }, null, 'failed', false],
    ['no status, but a body and no error', { body: { id: 'c', choices: [] } }, null, 'succeeded', false],
    ['no status, but a body and an empty error', { body: { id: 'c' } }, {}, 'succeeded', false],
    [
      'no status, but a body and an error of nulls',
      { body: { id: 'c' } },
      { code: null },
      'succeeded',
      false,
    ],
    ['no status, and a body with an error', { body: { error: { message: 'No.' } } }, null, 'failed', false],
    ['no status, a body and an error', { body: { id: 'c' } }, { code: 'x' }, 'failed', false],
    ['no status and an empty body', { body: {} }, null, 'failed', false],
    ['no status and no body', {}, null, 'failed', false],
    ['neither response nor error', null, null, 'failed', false],
    ['an error', null, { code: 'invalid_request', message: 'x' }, 'failed', false],
    ['an error with a good response', OK, { code: 'server_error' }, 'succeeded', false],
    ['an empty error with a good response', OK, {}, 'succeeded', false],
    ['an error of null fields with a good response', OK, { code: null, message: null }, 'succeeded', false],
    ['batch_expired with a good response', OK, { code: 'batch_expired' }, 'succeeded', false],
    ['an error with status 429', { status_code: 429 }, { code: 'rate_limit' }, 'failed', true],
    ['an error with status 500', { status_code: 500 }, { code: 'x' }, 'failed', true],
    ['an error with status 400', { status_code: 400 }, { code: 'server_error' }, 'failed', false],
    ['batch_expired with status 0', { status_code: 0 }, { code: 'batch_expired' }, 'expired', true],
    ['another error with status 0', { status_code: 0 }, { code: 'x' }, 'failed', true],
    ['request_timeout', null, { code: 'request_timeout', message: 'x' }, 'failed', true],
    ['server_error', null, { code: 'server_error', message: 'x' }, 'failed', true],
    ['a status as the code of its error', null, { code: 503 }, 'failed', true],
    ['a final status as the code of its error', null, { code: '400' }, 'failed', false],
    ['an error without code', null, {}, 'failed', false],
    ['a code that cannot be text', null, { code: { toString: 1 } }, 'failed', false],
    ['batch_expired', null, { code: 'batch_expired' }, 'expired', true],
    ['batch_cancelled', null, { code: 'batch_cancelled' }, 'cancelled', false],
  ])('with %s', (_, response, error, outcome, passing) => {
    const rows = account('completed', 'a');
    expect(rows.settle(line('a', response, error), 'output')).toEqual({ row: 0, replaces: false });
    expect(rows.outcomeOf(0, false)).toEqual({ outcome, passing, line: true });
    expect(rows.anomalies).toBe(0);
  });

  it('with batch_expired in a cancelled batch counts as cancelled, and its row does not run again', () => {
    const rows = account('cancelled', 'a');
    rows.settle(line('a', null, { code: 'batch_expired' }), 'output');
    expect(rows.outcomeOf(0, false)).toEqual({ outcome: 'cancelled', passing: false, line: true });
  });

  it.each([
    ['an unknown id', line('b'), 'unknown_id'],
    ['no id', line(undefined), 'unreadable'],
    ['an id that is a number', line(7), 'unreadable'],
    ['text that is not JSON', readResultLine(Buffer.from('{"custom_id":"a"')), 'unreadable'],
    ['null', readResultLine(Buffer.from('null')), 'unreadable'],
  ])('with %s is an anomaly and settles no row', (_, said, anomaly) => {
    const rows = account('completed', 'a');
    expect(rows.settle(said, 'output')).toEqual({ anomaly });
    expect(rows.anomalies).toBe(1);
    expect(rows.outcomeOf(0, false)).toEqual({ outcome: 'missing', passing: false, line: false });
  });
});

describe('two lines of one row', () => {
  const [good, bad] = [line('a'), line('a', { status_code: 500 })];

  it('count as the first one if both succeeded', () => {
    const rows = account('completed', 'a');
    rows.settle(good, 'output');
    expect(rows.settle(good, 'output')).toEqual({ anomaly: 'second_line' });
  });

  it('count as the first one if only it succeeded', () => {
    const rows = account('completed', 'a');
    rows.settle(good, 'output');
    expect(rows.settle(bad, 'output')).toEqual({ anomaly: 'second_line' });
    expect(rows.outcomeOf(0, false)?.outcome).toBe('succeeded');
  });

  it('count as the second one if only it succeeded, and the first is the anomaly', () => {
    const rows = account('completed', 'a');
    rows.settle(bad, 'output');
    expect(rows.settle(good, 'output')).toEqual({ row: 0, replaces: true });
    expect(rows.outcomeOf(0, false)?.outcome).toBe('succeeded');
    expect(rows.anomalies).toBe(1);
  });

  it('count as the first one if both failed', () => {
    const rows = account('completed', 'a');
    rows.settle(bad, 'output');
    expect(rows.settle(line('a', { status_code: 400 }), 'output')).toEqual({ anomaly: 'second_line' });
    expect(rows.outcomeOf(0, false)?.passing).toBe(true);
  });
});

it('rows with a line in the output file, or one that says that they succeeded, are counted once', () => {
  const rows = account('completed', 'a', 'b', 'c', 'd');
  const failed = (id: string) => line(id, { status_code: 500 });
  rows.settle(failed('a'), 'output');
  rows.settle(failed('b'), 'errors');
  rows.settle(line('c'), 'errors');
  rows.settle(line('c'), 'output');
  rows.settle(line('d', null, { code: 'batch_expired' }), 'errors');
  expect([rows.rowsInOutput, rows.rowsThatRan, rows.rowsWithLine]).toEqual([2, 3, 4]);
});

describe('rows without a line', () => {
  it.each([
    ['completed', 'missing'],
    ['expired', 'missing'],
    ['cancelled', 'cancelled'],
    ['failed', 'failed'],
  ])('of a batch with status "%s" are %s', (status, outcome) => {
    const rows = account(status, 'a', 'b', 'c');
    rows.settle(line('b'), 'output');
    for (const row of [0, 2])
      expect(rows.outcomeOf(row, false)).toEqual({ outcome, passing: false, line: false });
  });

  it.each(['cancelled', 'failed'])(
    'of a later attempt with status "%s" keep the outcome of the previous attempt',
    (status) => {
      const before = RowStates.fresh(1);
      before.set(0, { outcome: 'expired', again: true, attempts: 1, lineBytes: 9 });
      expect(new RowTally(tableOf('a'), before, status).outcomeOf(0, true)).toBeUndefined();
    },
  );
});

describe('a later attempt', () => {
  const before = RowStates.fresh(2);
  before.set(0, { outcome: 'succeeded', again: false, attempts: 1, lineBytes: 9 });
  before.set(1, { outcome: 'failed', again: true, attempts: 1, lineBytes: 9 });

  it('settles only its own rows, and a line of any other row is an anomaly', () => {
    const rows = new RowTally(tableOf('a', 'b'), before, 'completed');
    expect(rows.settle(line('a', { status_code: 500 }), 'output')).toEqual({ anomaly: 'unknown_id' });
    expect(rows.settle(line('b'), 'output')).toEqual({ row: 1, replaces: false });
  });
});
