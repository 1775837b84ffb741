import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import * as contract from '../../../functions/shared/contract/index.ts';
import { compilePattern } from '../../../local/aws/events/patterns/pattern.ts';

const ajv = new Ajv2020({ strict: true, strictRequired: false, allErrors: false });
addFormats.default(ajv);
const fits = {
  batch: ajv.compile(contract.batchStatusChangeSchema),
  job: ajv.compile(contract.jobStatusChangeSchema),
  cancel: ajv.compile(contract.cancelOutcomeSchema),
  request: ajv.compile(contract.cancelRequestSchema),
};

const EXAMPLES: [string, ValidateFunction, { detail: object }][] = [
  ...entries('batch', fits.batch, contract.batchStatusExamples),
  ...entries('job', fits.job, contract.jobStatusExamples),
  ...entries('cancel', fits.cancel, contract.cancelOutcomeExamples),
];

function entries(
  kind: string,
  valid: ValidateFunction,
  examples: Record<string, { detail: object }>,
): [string, ValidateFunction, { detail: object }][] {
  return Object.entries(examples).map(([name, example]) => [`${kind} ${name}`, valid, example]);
}

type Path = (string | number)[];

/** Paths to every field of a JSON value, the inner ones of objects and lists included. */
function pathsIn(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  const inner = Object.entries(value).flatMap(([name, field]) =>
    pathsIn(field, [...path, Array.isArray(value) ? Number(name) : name]),
  );
  return path.length === 0 ? inner : [path, ...inner];
}

function changed(value: object, path: Path, change: (parent: object, name: PropertyKey) => void): unknown {
  const copy: object = structuredClone(value);
  let parent: object = copy;
  for (const name of path.slice(0, -1)) parent = Reflect.get(parent, name);
  change(parent, path.at(-1) ?? '');
  return copy;
}

/** A value of a type that the field cannot have. */
function wrongFor(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? 7 : { planted: true };
}

const OPTIONAL = /^(data\.metadata\.\w+|data\.results|data\.waiting)$/;

describe('the golden examples', () => {
  it('are one for each status and outcome', () => {
    expect(Object.keys(contract.batchStatusExamples)).toEqual([...contract.BATCH_STATUSES]);
    expect(Object.keys(contract.jobStatusExamples).sort()).toEqual([...contract.JOB_STATUSES].sort());
    for (const [status, { detail }] of Object.entries(contract.batchStatusExamples))
      expect(detail.data.status).toBe(status);
    for (const [status, { detail }] of Object.entries(contract.jobStatusExamples))
      expect(detail.data.status).toBe(status);
    for (const [outcome, { detail }] of Object.entries(contract.cancelOutcomeExamples))
      expect(detail.data.outcome).toBe(outcome);
    expect(EXAMPLES).toHaveLength(20);
  });

  it.each(EXAMPLES)('%s fits its schema, with a field added, too', (_, valid, { detail }) => {
    expect(valid(detail), JSON.stringify(valid.errors)).toBe(true);
    for (const path of pathsIn(detail)) {
      const added = changed(detail, path, (parent) => {
        if (!Array.isArray(parent)) Reflect.set(parent, 'addedLater', 'yes');
      });
      expect(valid(added), `${path.join('.')}: ${JSON.stringify(valid.errors)}`).toBe(true);
    }
  });

  it.each(EXAMPLES)('%s does not fit with a value of a wrong type in any field', (_, valid, { detail }) => {
    for (const path of pathsIn(detail)) {
      const faulty = changed(detail, path, (parent, name) =>
        Reflect.set(parent, name, wrongFor(Reflect.get(parent, name))),
      );
      expect(valid(faulty), path.join('.')).toBe(false);
    }
  });

  it.each(EXAMPLES)('%s does not fit without any field it promises', (name, valid, { detail }) => {
    const promised = pathsIn(detail)
      .filter((path) => typeof path.at(-1) === 'string' && !OPTIONAL.test(path.join('.')))
      .filter((path) => !(name.startsWith('cancel') && path.join('.') === 'metadata.jobId'));
    expect(promised.length).toBeGreaterThan(7);
    for (const path of promised) {
      const faulty = changed(detail, path, (parent, field) => Reflect.deleteProperty(parent, field));
      expect(valid(faulty), path.join('.')).toBe(false);
    }
  });

  it.each([
    ['a completed job without results', 'job', 'completed', { results: undefined }],
    [
      'a completed job with a reason',
      'job',
      'completed',
      { status: 'completed', reason: { code: 'c', message: 'm' } },
    ],
    ['a submitted job that was submitted before', 'job', 'submitted', { previousStatus: 'submitted' }],
    ['a job in a status of which there is none', 'job', 'accepted', { status: 'received' }],
    ['errors of a batch that completed', 'batch', 'completed', { errors: { count: 0, first: [] } }],
    ['a batch that will be tried again though it completed', 'batch', 'completed', { willRetry: true }],
    [
      'a batch that waits though it completed',
      'batch',
      'completed',
      { waiting: { for: 'token_limit', position: 1, until: '2026-11-20T18:11:09.402Z' } },
    ],
    ['a batch that waits at place 0', 'batch', 'failed', { waiting: { for: 'token_limit', position: 0 } }],
    ['fewer rows than one', 'batch', 'completed', { rows: 0 }],
    ['a time that is none', 'batch', 'completed', { endedAt: 'yesterday' }],
    ['an unknown id with a status', 'cancel', 'unknown', { status: 'completed' }],
    ['a cancel that came too late for nothing', 'cancel', 'too_late', { status: null }],
  ])('%s does not fit', (_, kind, name, differences) => {
    const [, valid, example] = EXAMPLES.find(([known]) => known === `${kind} ${name}`) ?? [];
    if (!valid || !example || !('data' in example.detail)) throw new Error('there is no such example');
    const data = JSON.parse(JSON.stringify({ ...Object(example.detail.data), ...differences }));
    expect(valid({ ...example.detail, data })).toBe(false);
  });

  it('a list of 21 entries does not fit, one of 20 does', () => {
    const { detail } = contract.jobStatusExamples.rejected;
    const withFindings = (entries: number) => {
      const first = Array.from({ length: entries }, () => ({ line: 1, code: 'c', message: 'm' }));
      return { ...detail, data: { ...detail.data, findings: { count: 99, first } } };
    };
    expect(fits.job(withFindings(20))).toBe(true);
    expect(fits.job(withFindings(21))).toBe(false);
  });

  it('a batch in a status that OpenAI has yet to invent fits', () => {
    const { detail } = contract.batchStatusExamples.in_progress;
    expect(fits.batch({ ...detail, data: { ...detail.data, status: 'pondering' } })).toBe(true);
  });
});

describe('a cancel request', () => {
  it.each([
    ['{"batchId":"batch_abc-1"}', true],
    ['{"jobId":"k5mhx3q2vwn7tjzr4ydaf6bcgs"}', true],
    ['{"bucket":"my-bucket.2","key":"a/ü b.jsonl"}', true],
    ['{"batchId":"batch_1","jobId":"x"}', false],
    ['{"batchId":"batch_1","why":"x"}', false],
    ['{"batchId":"batch/1"}', false],
    ['{"batchId":""}', false],
    ['{"batchId":7}', false],
    ['{"jobId":null}', false],
    ['{"bucket":"b","key":"k"}', false],
    ['{"bucket":"My-Bucket","key":"k"}', false],
    ['{"bucket":"my-bucket","key":""}', false],
    ['{"bucket":"my-bucket","key":["k"]}', false],
    [JSON.stringify({ bucket: 'my-bucket', key: 'k'.repeat(1025) }), false],
    ['{"key":"k"}', false],
    ['{}', false],
    ['[]', false],
    ['null', false],
    ['"batch_1"', false],
  ])('%s: the schema and the parser agree', (body, good) => {
    expect(fits.request(JSON.parse(body)), 'schema').toBe(good);
    expect('request' in contract.parseCancelRequest(body), 'parser').toBe(good);
  });

  it('that is no JSON, or names a key over 1,024 bytes, is told so in words', () => {
    expect(contract.parseCancelRequest('cancel it')).toEqual({ problem: expect.stringContaining('JSON') });
    const key = 'ü'.repeat(513);
    expect(contract.parseCancelRequest(JSON.stringify({ bucket: 'my-bucket', key }))).toEqual({
      problem: expect.stringContaining('1024'),
    });
  });

  it('is what the outcome repeats', () => {
    for (const { detail } of Object.values(contract.cancelOutcomeExamples))
      expect(fits.request(detail.data.request)).toBe(true);
  });
});

describe('a rule pattern', () => {
  const all = [
    ...Object.values(contract.batchStatusExamples),
    ...Object.values(contract.jobStatusExamples),
    ...Object.values(contract.cancelOutcomeExamples),
  ];
  const matched = (pattern: contract.CdkEventPattern) => {
    const matches = compilePattern(JSON.stringify(contract.asJsonPattern(pattern)));
    return all.filter((example) => matches(example));
  };

  it('of no status matches all of its kind and nothing else', () => {
    expect(matched(contract.batchStatusPattern())).toEqual(Object.values(contract.batchStatusExamples));
    expect(matched(contract.jobStatusPattern())).toEqual(Object.values(contract.jobStatusExamples));
    expect(matched(contract.cancelOutcomePattern())).toEqual(Object.values(contract.cancelOutcomeExamples));
  });

  it('of some statuses matches those', () => {
    const { completed, failed, cancelled } = contract.batchStatusExamples;
    expect(matched(contract.batchStatusPattern('completed'))).toEqual([completed]);
    expect(matched(contract.batchStatusPattern('cancelled', 'failed'))).toEqual([failed, cancelled]);
    expect(matched(contract.jobStatusPattern('joined'))).toEqual([contract.jobStatusExamples.joined]);
    expect(matched(contract.cancelOutcomePattern('unknown'))).toEqual([
      contract.cancelOutcomeExamples.unknown,
    ]);
    expect(matched(contract.batchStatusPattern('pondering'))).toEqual([]);
  });
});
