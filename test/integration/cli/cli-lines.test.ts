import { describe, expect, it } from 'vitest';
import { eventLine } from '../../../bin/terminal/event-line.ts';
import { firstDeliveries } from '../../../bin/terminal/first-delivery.ts';

const metadata = { id: 'e', version: 1, sequence: 1, occurredAt: '2026-11-21T10:11:12.000Z', jobId: 'job1' };
const requestFile = { bucket: 'requests', key: 'orders.jsonl', versionId: 'v' };

/** Returns the line of an event, without its colours. */
function lineOf(detailType: string, data: object): string | undefined {
  const line = eventLine({ source: 'batchdrop', 'detail-type': detailType, detail: { metadata, data } });
  return line?.replaceAll(new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, 'g'), '');
}

describe('the line of an event', () => {
  it.each([
    [
      'a running batch',
      'OpenAI Batch Status Change',
      {
        status: 'in_progress',
        batchId: 'batch_1',
        requestFile,
        partNumber: 2,
        plannedParts: 3,
        requestCounts: { total: 9, completed: 4, failed: 1 },
      },
      '10:11:12  batch   in_progress  orders.jsonl  part 2 of 3  5/9 rows  batch_1',
    ],
    [
      'a failed batch that Batchdrop retries',
      'OpenAI Batch Status Change',
      {
        status: 'failed',
        batchId: 'batch_1',
        requestFile,
        partNumber: 1,
        plannedParts: 1,
        requestCounts: null,
        errors: { count: 1, first: [{ code: 'token_limit_exceeded', message: 'Too many.' }] },
        willRetry: true,
      },
      '10:11:12  batch   failed       orders.jsonl  token_limit_exceeded: Too many.  will retry  batch_1',
    ],
    [
      'a batch that was rejected for the token limit',
      'OpenAI Batch Status Change',
      {
        status: 'failed',
        batchId: 'batch_1',
        requestFile,
        partNumber: 1,
        plannedParts: 1,
        requestCounts: null,
        errors: { count: 1, first: [{ code: 'token_limit_exceeded', message: 'Too many.' }] },
        willRetry: true,
        waiting: { for: 'token_limit', position: 3, until: '2026-11-20T10:17:40.000Z' },
      },
      '10:11:12  batch   failed       orders.jsonl  token_limit_exceeded: Too many.  will retry (waiting: token limit, position 3, until 10:17 at the latest)  batch_1',
    ],
    [
      'an accepted job whose batches wait',
      'OpenAI Batch Job Status Change',
      { status: 'accepted', requestFile, plannedRows: 7, plannedParts: 1, waiting: { for: 'open_batches' } },
      '10:11:12  job     accepted     orders.jsonl  7 rows in 1 batch  waiting: open batches  job1',
    ],
    [
      'an accepted job that waits for the account to pay',
      'OpenAI Batch Job Status Change',
      { status: 'accepted', requestFile, plannedRows: 7, plannedParts: 1, waiting: { for: 'account' } },
      '10:11:12  job     accepted     orders.jsonl  7 rows in 1 batch  waiting: account refused by the API  job1',
    ],
    [
      'an accepted job that waits for a reason of a later version',
      'OpenAI Batch Job Status Change',
      { status: 'accepted', requestFile, plannedRows: 7, plannedParts: 1, waiting: { for: 'full_moon' } },
      '10:11:12  job     accepted     orders.jsonl  7 rows in 1 batch  waiting: full moon  job1',
    ],
    [
      'an accepted job',
      'OpenAI Batch Job Status Change',
      { status: 'accepted', requestFile, plannedRows: 7, plannedParts: 1 },
      '10:11:12  job     accepted     orders.jsonl  7 rows in 1 batch  job1',
    ],
    [
      'a job that is held',
      'OpenAI Batch Job Status Change',
      {
        status: 'unapproved',
        requestFile,
        plannedRows: 7,
        plannedParts: 1,
        reason: { code: 'hold_requested', message: 'its file asks for it' },
        approveBy: '2026-11-27T10:11:12.000Z',
      },
      '10:11:12  job     unapproved   orders.jsonl  7 rows in 1 batch  held until 2026-11-27 10:11: its file asks for it  to approve: batchdrop approve  job1',
    ],
    [
      'a rejected job',
      'OpenAI Batch Job Status Change',
      {
        status: 'rejected',
        requestFile,
        findings: { count: 2, first: [{ line: 3, message: 'no custom_id' }] },
      },
      '10:11:12  job     rejected     orders.jsonl  2 findings  line 3: no custom_id  job1',
    ],
    [
      'a joined job',
      'OpenAI Batch Job Status Change',
      { status: 'joined', requestFile, joinedJobId: 'job0' },
      '10:11:12  job     joined       orders.jsonl  same bytes as job job0, not run again  job1',
    ],
    [
      'a cancelled job',
      'OpenAI Batch Job Status Change',
      {
        status: 'cancelled',
        requestFile,
        rows: { total: 9, succeeded: 4, failed: 0, expired: 0, cancelled: 5, missing: 0 },
        reason: { code: 'cancelled', message: 'as asked for' },
      },
      '10:11:12  job     cancelled    orders.jsonl  9 rows: 4 succeeded, 5 cancelled  as asked for  job1',
    ],
    [
      'a file that was cancelled before validation',
      'OpenAI Batch Job Status Change',
      {
        status: 'cancelled',
        requestFile,
        rows: { total: 0, succeeded: 0, failed: 0, expired: 0, cancelled: 0, missing: 0 },
        reason: { code: 'cancelled', message: 'cancelled before the file was read' },
      },
      '10:11:12  job     cancelled    orders.jsonl  cancelled before the file was read  job1',
    ],
    [
      'the outcome of a cancel request',
      'OpenAI Batch Cancel Outcome',
      { request: { batchId: 'batch_1' }, outcome: 'too_late', message: 'already completed' },
      '10:11:12  cancel  too_late     already completed  batch_1',
    ],
    [
      'a file whose key contains control characters',
      'OpenAI Batch Job Status Change',
      {
        status: 'accepted',
        requestFile: { ...requestFile, key: 'a\u001b[2Jb\r\nc' },
        plannedRows: 1,
        plannedParts: 1,
      },
      '10:11:12  job     accepted     a\\u001b[2Jb\\r\\nc  1 row in 1 batch  job1',
    ],
  ])('describes %s', (_, detailType, data, line) => {
    expect(lineOf(detailType, data)).toBe(line);
  });

  it('does not exist for events of other sources', () => {
    expect(eventLine({ source: 'aws.s3', 'detail-type': 'Object Created', detail: {} })).toBeUndefined();
    expect(lineOf('Something New', {})).toBeUndefined();
  });
});

describe('the lines of a stream of events', () => {
  const event = (id: string, source = 'batchdrop') => ({
    source,
    'detail-type': 'OpenAI Batch Job Status Change',
    detail: { metadata: { ...metadata, id } },
  });

  it('omit a repeated delivery, which has the same metadata.id', () => {
    const isFirst = firstDeliveries();
    expect(['a', 'b', 'a', 'b', 'c'].map((id) => isFirst(event(id)))).toEqual([
      true,
      true,
      false,
      false,
      true,
    ]);
  });

  it('omit no event of other sources', () => {
    const isFirst = firstDeliveries();
    expect([isFirst(event('a', 'aws.s3')), isFirst(event('a', 'aws.s3'))]).toEqual([true, true]);
  });
});
