import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { AuditEntry } from '../../../local/openai/audit-log.ts';
import { closingSentence } from '../../chaos/closing-sentence.ts';
import { runChaos } from '../../chaos/run-chaos.ts';
import { type Evidence, judge } from '../../chaos/verdict.ts';
import type { ReceivedEvent } from '../../local/endpoint/user-program.ts';

const FAULTS = fileURLToPath(new URL('../../chaos/faults.json', import.meta.url));

describe('a short run of chaos over real processes', () => {
  it('loses no file and no row, pays for no row twice, and ends each job once', async () => {
    const report = await runChaos({ jobs: 5, seconds: 8, seed: 20, faults: FAULTS, tell: () => {} });
    expect(report.complaints).toEqual([]);
    expect(report.blows.runtimeKilled).toBe(2);
    expect(report.blows.functionsKilled + report.blows.functionsFrozen).toBeGreaterThan(0);
    expect(report.blows.repetitions).toBeGreaterThan(0);
    expect(report.faults.size).toBeGreaterThan(0);
    expect(report.evidence.files.length).toBeGreaterThanOrEqual(7); // five, one of them uploaded again, one overwritten
    expect(closingSentence(report, 20)).toContain('nothing was lost and nothing paid twice');
  }, 300_000);
});

const JOB = 'OpenAI Batch Job Status Change';
const BATCH = 'OpenAI Batch Status Change';
const body = ['a', 'b'].map((custom_id) => `${JSON.stringify({ custom_id })}\n`).join('');

function event(type: string, subject: string, sequence: number, status: string): ReceivedEvent {
  const data = { status, previousStatus: null, batches: { count: 1 } };
  return {
    source: 'batchdrop',
    'detail-type': type,
    detail: { metadata: { id: `${subject}:${sequence}`, sequence, jobId: 'job' }, data },
  };
}

const entry = (n: number) => ({ n, at: n });

function created(n: number, batchId: string, intent: string): AuditEntry {
  const metadata = { batchdrop_job: 'job', batchdrop_intent: intent };
  const of = { inputFileId: 'file', endpoint: '/v1/responses', metadata };
  return { ...entry(n), event: 'batch.created', batchId, ...of };
}

function billed(n: number, batchId: string, customId: string): AuditEntry {
  const tokens = { inputTokens: 1, outputTokens: 1 };
  return { ...entry(n), event: 'row.billed', batchId, inputFileId: 'file', customId, ...tokens };
}

/** A job of two rows, one of which failed, as expected. */
const GOOD: Evidence = {
  files: [{ key: 'a.jsonl', jobId: 'job', body }],
  events: [
    event(JOB, 'job', 1, 'accepted'),
    event(JOB, 'job', 2, 'submitted'),
    event(BATCH, 'batch_1', 1, 'validating'),
    event(BATCH, 'batch_1', 2, 'completed'),
    event(JOB, 'job', 3, 'completed'),
    event(JOB, 'job', 3, 'completed'), // a repeated event, not a second end
  ],
  audit: [created(1, 'batch_1', 'intent-1'), billed(2, 'batch_1', 'a')],
  results: new Map([
    ['job', { output: '{"custom_id":"a"}\n', errors: '{"custom_id":"b"}\n', summary: 'batch_1' }],
  ]),
};

const withResults = (output: string, errors: string, summary = 'batch_1') =>
  new Map([['job', { output, errors, summary }]]);

describe('the judge of chaos', () => {
  it('accepts a request that the network repeats, if the second batch is reported', () => {
    const repeated = { ...created(1, 'batch_2', 'intent-1'), n: 3 };
    const audit = [...GOOD.audit, repeated, billed(4, 'batch_2', 'a')];
    const results = withResults('{"custom_id":"a"}\n', '{"custom_id":"b"}\n', 'batch_1 batch_2');
    expect(judge({ ...GOOD, audit, results })).toEqual([]);
    expect(judge({ ...GOOD, audit }).join('\n')).toContain('batch_2 is not in its summary');
  });

  it('accepts a failed job whose upload is too large for the gateway', () => {
    const end = event(JOB, 'job', 3, 'failed');
    const data = { ...end.detail.data, reason: { code: 'too_large', message: 'upload: HTTP 413' } };
    const events = [...GOOD.events.slice(0, 4), { ...end, detail: { ...end.detail, data } }];
    expect(judge({ ...GOOD, events })).toEqual([]);
  });

  it('has no complaint about a correct job', () => {
    expect(judge(GOOD)).toEqual([]);
  });

  it.each<[string, Partial<Evidence>, string]>([
    ['a file without an end', { events: GOOD.events.slice(0, 4) }, 'lost, it never ended'],
    ['two ends', { events: [...GOOD.events, event(JOB, 'job', 4, 'failed')] }, 'ended 2 times'],
    [
      'a row that is nowhere',
      { results: withResults('{"custom_id":"a"}\n', '') },
      'rows lost from its results: 1 (b)',
    ],
    [
      'a row in both files',
      { results: withResults('{"custom_id":"a"}\n', '{"custom_id":"b"}\n{"custom_id":"a"}\n') },
      'rows too many in its results: 1 (a)',
    ],
    [
      'a result that was paid and not delivered',
      { audit: [...GOOD.audit, billed(3, 'batch_1', 'b')] },
      'paid rows lost from its results: 1 (b)',
    ],
    [
      'a row that succeeded and was not paid',
      { audit: GOOD.audit.slice(0, 1) },
      'paid rows too many in its results: 1 (a)',
    ],
    [
      'a row that was paid in two batches',
      {
        audit: [...GOOD.audit, created(3, 'batch_2', 'intent-2'), billed(4, 'batch_2', 'a')],
        results: withResults('{"custom_id":"a"}\n', '{"custom_id":"b"}\n', 'batch_1 batch_2'),
      },
      'a was paid 2 times',
    ],
    [
      'two batches of one intent',
      {
        audit: [...GOOD.audit, created(3, 'batch_2', 'intent-1')],
        results: withResults('{"custom_id":"a"}\n', '{"custom_id":"b"}\n', 'batch_1 batch_2'),
      },
      'intent intent-1 has 2 batches',
    ],
    [
      'a batch that its summary does not know',
      { audit: [...GOOD.audit, created(3, 'batch_2', 'intent-2')] },
      'batch batch_2 is not in its summary',
    ],
    ['a batch of nobody', { files: [] }, 'batch batch_1 belongs to no request file'],
    ['a gap in a sequence', { events: GOOD.events.toSpliced(1, 1) }, 'job: events 1, 3 were published'],
    [
      'a batch whose end was not told',
      { events: GOOD.events.toSpliced(3, 1) },
      'batch_1: its last event says validating',
    ],
    [
      'a job that was given up',
      { events: [...GOOD.events.slice(0, 4), event(JOB, 'job', 3, 'failed')] },
      'given up, though every fault was a passing one',
    ],
    [
      'a row that expired and was not run again',
      {
        results: withResults(
          '{"custom_id":"a"}\n',
          '{"custom_id":"b","error":{"code":"batch_expired"},"attempts":1}\n',
        ),
      },
      'b expired and was in 1 of 3 batches',
    ],
    [
      'results that are not there',
      { results: new Map([['job', { output: undefined, errors: '', summary: '' }]]) },
      'completed, but not all of its results are there',
    ],
    [
      'a batch of a job without results',
      { results: new Map() },
      'completed, and yet it has 1 batches and no results',
    ],
  ])('complains of %s', (_, change, complaint) => {
    expect(judge({ ...GOOD, ...change }).join('\n')).toContain(complaint);
  });

  it('accepts a second batch of an intent that was cancelled and reported', () => {
    const cancelled: AuditEntry = {
      ...entry(4),
      event: 'batch.cancel_requested',
      batchId: 'batch_2',
      status: 'validating',
    };
    const audit = [...GOOD.audit, created(3, 'batch_2', 'intent-1'), cancelled];
    const results = withResults('{"custom_id":"a"}\n', '{"custom_id":"b"}\n', 'batch_1 batch_2');
    expect(judge({ ...GOOD, audit, results })).toEqual([]);
    expect(judge({ ...GOOD, audit, results: GOOD.results }).join('\n')).toContain('intent-1 has 2 batches');
  });
});
