import { describe, expect, it } from 'vitest';
import { RowAccount } from '../../functions/shared/core/account-rows.ts';

const OK = { status_code: 200, request_id: 'r', body: {} };
const line = (customId: unknown, response: unknown = OK, error: unknown = null) =>
  Buffer.from(JSON.stringify({ id: 'batch_req_1', custom_id: customId, response, error }));
const account = (batchStatus: string, ...ids: string[]) =>
  new RowAccount({ rows: ids.length, batchStatus }, ids);
const NONE = { total: 0, succeeded: 0, failed: 0, expired: 0, cancelled: 0, missing: 0 };

describe('a line', () => {
  it.each([
    ['status 200', OK, null, 'succeeded'],
    ['status 299', { status_code: 299 }, null, 'succeeded'],
    ['status 300', { status_code: 300 }, null, 'failed'],
    ['status 400', { status_code: 400 }, null, 'failed'],
    ['status 0', { status_code: 0 }, null, 'failed'],
    ['a status that is text', { status_code: '200' }, null, 'failed'],
    ['neither response nor error', null, null, 'failed'],
    ['an error', null, { code: 'server_error', message: 'x' }, 'failed'],
    ['an error besides a good response', OK, { code: 'server_error' }, 'failed'],
    ['an error without code', null, {}, 'failed'],
    ['batch_expired', null, { code: 'batch_expired' }, 'expired'],
    ['batch_cancelled', null, { code: 'batch_cancelled' }, 'cancelled'],
  ])('with %s', (_, response, error, outcome) => {
    const rows = account('completed', 'a');
    expect(rows.settle(line('a', response, error))).toEqual({ outcome });
    expect(rows.counts()).toEqual({ ...NONE, total: 1, [outcome]: 1 });
  });

  it('of a cancelled batch that says batch_expired was cancelled', () => {
    expect(account('cancelled', 'a').settle(line('a', null, { code: 'batch_expired' }))).toEqual({
      outcome: 'cancelled',
    });
  });

  it.each([
    ['an unknown id', line('b'), 'unknown_id'],
    ['no id', line(undefined), 'unreadable'],
    ['an id that is a number', line(7), 'unreadable'],
    ['no JSON', Buffer.from('{"custom_id":"a"'), 'unreadable'],
    ['null', Buffer.from('null'), 'unreadable'],
  ])('with %s is an anomaly and settles no row', (_, bytes, anomaly) => {
    const rows = account('completed', 'a');
    expect(rows.settle(bytes)).toEqual({ anomaly });
    expect(rows.anomalies).toBe(1);
    expect(rows.counts()).toEqual({ ...NONE, total: 1, missing: 1 });
  });

  it('that is the second of its row is an anomaly: the first decides', () => {
    const rows = account('completed', 'a');
    rows.settle(line('a', { status_code: 500 }));
    expect(rows.settle(line('a'))).toEqual({ anomaly: 'second_line' });
    expect(rows.counts()).toEqual({ ...NONE, total: 1, failed: 1 });
  });
});

describe('rows without a line', () => {
  it.each([
    ['completed', 'missing'],
    ['expired', 'missing'],
    ['cancelled', 'cancelled'],
    ['failed', 'failed'],
  ])('of a batch that %s are %s', (status, outcome) => {
    const rows = account(status, 'a', 'b', 'c');
    rows.settle(line('b'));
    expect([...rows.settleTheRest()]).toEqual([
      { customId: 'a', outcome },
      { customId: 'c', outcome },
    ]);
    expect(rows.counts()).toEqual({ ...NONE, total: 3, succeeded: 1, [outcome]: 2 });
  });
});

describe('when the request file is gone', () => {
  it('any new id is taken for a row, as many as there were', () => {
    const rows = new RowAccount({ rows: 2, batchStatus: 'completed' }, undefined);
    expect(rows.settle(line('x'))).toEqual({ outcome: 'succeeded' });
    expect(rows.settle(line('x'))).toEqual({ anomaly: 'second_line' });
    expect(rows.counts()).toEqual({ ...NONE, total: 2, succeeded: 1, missing: 1 });
    expect(rows.settle(line('y'))).toEqual({ outcome: 'succeeded' });
    expect(rows.settle(line('z'))).toEqual({ anomaly: 'unknown_id' });
    expect([...rows.settleTheRest()]).toEqual([]);
    expect(rows.counts()).toEqual({ ...NONE, total: 2, succeeded: 2 });
  });

  it('rows of a failed batch have failed though nobody knows their names', () => {
    const rows = new RowAccount({ rows: 5, batchStatus: 'failed' }, undefined);
    expect(rows.counts()).toEqual({ ...NONE, total: 5, failed: 5 });
  });
});
