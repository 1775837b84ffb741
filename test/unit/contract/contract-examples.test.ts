import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import {
  APPROVAL_EVENTS,
  BATCH_EVENTS,
  CANCEL_EVENTS,
  type EventKind,
  JOB_EVENTS,
  STALL_EVENTS,
} from '../../../functions/shared/contract/event-kinds.ts';
import * as contract from '../../../functions/shared/contract/index.ts';
import { SCHEMA_FILES } from '../../../functions/shared/contract/schema-files.ts';
import { objectsNamedIn } from '../../../functions/shared/domain/outgoing-event.ts';
import { compilePattern } from '../../../local/aws/events/patterns/pattern.ts';

const ajv = new Ajv2020({ strict: true, strictRequired: false, allErrors: false });
addFormats.default(ajv);
const fits = {
  batch: ajv.compile(contract.batchStatusChangeSchema),
  job: ajv.compile(contract.jobStatusChangeSchema),
  cancel: ajv.compile(contract.cancelOutcomeSchema),
  approval: ajv.compile(contract.approvalOutcomeSchema),
  stall: ajv.compile(contract.jobStalledSchema),
  request: ajv.compile(contract.cancelRequestSchema),
  approvalRequest: ajv.compile(contract.approvalRequestSchema),
};

/** OpenAPI has keywords that JSON Schema does not have: `nullable`, and names that begin with `x-`. */
const openApi = new Ajv2020({ strict: false });
addFormats.default(openApi);
function fitsOpenApi(file: string): ValidateFunction {
  openApi.addSchema(SCHEMA_FILES[file] ?? {}, file);
  return openApi.compile({ $ref: `${file}#/components/schemas/AWSEvent` });
}

interface Kind {
  name: string;
  valid: ValidateFunction;
  validOpenApi: ValidateFunction;
  table: EventKind;
  examples: Readonly<Record<string, contract.BatchdropEvent>>;
}

const KINDS: Kind[] = [
  {
    name: 'batch',
    valid: fits.batch,
    validOpenApi: fitsOpenApi('batch-status-change.openapi.json'),
    table: BATCH_EVENTS,
    examples: contract.batchStatusExamples,
  },
  {
    name: 'job',
    valid: fits.job,
    validOpenApi: fitsOpenApi('job-status-change.openapi.json'),
    table: JOB_EVENTS,
    examples: contract.jobStatusExamples,
  },
  {
    name: 'cancel',
    valid: fits.cancel,
    validOpenApi: fitsOpenApi('cancel-outcome.openapi.json'),
    table: CANCEL_EVENTS,
    examples: contract.cancelOutcomeExamples,
  },
  {
    name: 'approval',
    valid: fits.approval,
    validOpenApi: fitsOpenApi('approval-outcome.openapi.json'),
    table: APPROVAL_EVENTS,
    examples: contract.approvalOutcomeExamples,
  },
  {
    name: 'stall',
    valid: fits.stall,
    validOpenApi: fitsOpenApi('job-stalled.openapi.json'),
    table: STALL_EVENTS,
    examples: contract.jobStalledExamples,
  },
];

const EXAMPLES = KINDS.flatMap((kind) =>
  Object.entries(kind.examples).map(([status, example]): [string, Kind, string, contract.BatchdropEvent] => [
    `${kind.name} ${status}`,
    kind,
    status,
    example,
  ]),
);
const rowOf = ({ table }: Kind, status: string) => {
  const row = table.statuses.find((each) => each.status === status);
  if (!row) throw new Error(`the table has no ${status}`);
  return row;
};

type Path = (string | number)[];

/** Returns the paths to all fields of a JSON value, including those in objects and lists. */
function pathsIn(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  const inner = Object.entries(value).flatMap(([name, field]) =>
    pathsIn(field, [...path, Array.isArray(value) ? Number(name) : name]),
  );
  return path.length === 0 ? inner : [path, ...inner];
}

function changed(value: object, path: Path, change: (parent: object, name: PropertyKey) => void): object {
  const copy: object = structuredClone(value);
  let parent: object = copy;
  for (const name of path.slice(0, -1)) parent = Reflect.get(parent, name);
  change(parent, path.at(-1) ?? '');
  return copy;
}

const withData = (example: contract.BatchdropEvent, differences: object): unknown =>
  JSON.parse(
    JSON.stringify({
      ...example,
      detail: { ...example.detail, data: { ...example.detail.data, ...differences } },
    }),
  );

/** Returns a value of a type that the field cannot have. */
function wrongFor(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? 7 : { planted: true };
}

const USERS_OWN = /^detail\.data\.metadata\./;

describe('the published examples', () => {
  it('contain one for each status and outcome, in the order of the table', () => {
    expect(Object.keys(contract.batchStatusExamples)).toEqual([...contract.BATCH_STATUSES]);
    expect(Object.keys(contract.jobStatusExamples).sort()).toEqual([...contract.JOB_STATUSES].sort());
    for (const { table, examples } of KINDS) {
      expect(table.statuses.map(({ status }) => status)).toEqual(Object.keys(examples));
      for (const [status, { detail }] of Object.entries(examples))
        expect(Reflect.get(detail.data, table.statusField)).toBe(status);
    }
    expect(EXAMPLES).toHaveLength(26);
  });

  it.each(EXAMPLES)(
    '%s matches its schema, also with an additional field',
    (_, { valid, validOpenApi }, __, example) => {
      for (const fitsIt of [valid, validOpenApi]) {
        expect(fitsIt(example), JSON.stringify(fitsIt.errors)).toBe(true);
        for (const path of pathsIn(example)) {
          const added = changed(example, path, (parent) => {
            if (!Array.isArray(parent)) Reflect.set(parent, 'addedLater', 'yes');
          });
          expect(fitsIt(added), `${path.join('.')}: ${JSON.stringify(fitsIt.errors)}`).toBe(true);
        }
      }
    },
  );

  it.each(EXAMPLES)(
    '%s does not match with a value of a wrong type in any field',
    (_, { valid, validOpenApi }, __, example) => {
      for (const path of pathsIn(example)) {
        const faulty = changed(example, path, (parent, name) =>
          Reflect.set(parent, name, wrongFor(Reflect.get(parent, name))),
        );
        expect(valid(faulty), path.join('.')).toBe(false);
        expect(validOpenApi(faulty), `OpenAPI: ${path.join('.')}`).toBe(false);
      }
    },
  );

  it.each(EXAMPLES)(
    '%s does not match without any one of its required fields',
    (_, kind, status, example) => {
      const { mayHave } = rowOf(kind, status);
      const optional = new Set(mayHave.map(({ name }) => `detail.data.${name}`));
      const promised = pathsIn(example).filter((path) => {
        const name = path.join('.');
        const isOptional = [...optional].some((field) => name === field);
        return typeof path.at(-1) === 'string' && !isOptional && !USERS_OWN.test(name);
      });
      expect(promised.length).toBeGreaterThan(15);
      for (const path of promised) {
        const isOutcome = kind.name === 'cancel' || kind.name === 'approval';
        if (isOutcome && path.join('.') === 'detail.metadata.jobId') continue;
        const faulty = changed(example, path, (parent, field) => Reflect.deleteProperty(parent, field));
        expect(kind.valid(faulty), path.join('.')).toBe(false);
      }
    },
  );

  it.each(EXAMPLES)('%s names its Batchdrop and the objects that it concerns', (_, __, ___, example) => {
    expect(example.detail.metadata.instance).toBe('Batchdrop.Batchdrop');
    const objects = objectsNamedIn(example.detail);
    expect(example.resources).toEqual(objects.map(({ bucket, key }) => `arn:aws:s3:::${bucket}/${key}`));
    expect(example.time).toBe(example.detail.metadata.occurredAt.replace(/\.\d{3}Z$/, 'Z'));
    if ('requestFile' in example.detail.data)
      expect(example.resources[0]).toBe('arn:aws:s3:::batchdrop-requests/reviews/2026-11-20.jsonl');
  });

  it.each([
    [
      'a submitted job with submitted as its previous status',
      'job',
      'submitted',
      { previousStatus: 'submitted' },
    ],
    ['a completed job without a submitted batch', 'job', 'completed', { previousStatus: 'accepted' }],
    ['a job with an invalid status', 'job', 'accepted', { status: 'received' }],
    ['a batch that waits at position 0', 'batch', 'failed', { waiting: { for: 'token_limit', position: 0 } }],
    ['fewer rows than one', 'batch', 'completed', { sentRows: 0 }],
    ['an invalid time', 'batch', 'completed', { endedAt: 'yesterday' }],
    ['an invalid endpoint', 'batch', 'completed', { endpoint: '/v1/files' }],
    ['an unknown id with a status', 'cancel', 'unknown', { status: 'completed' }],
    ['an approval of an unknown job with a status', 'approval', 'unknown', { status: 'completed' }],
    ['an approval of a known job without a status', 'approval', 'approved', { status: null }],
    ['an approval that names no job', 'approval', 'unknown', { request: { batchId: 'batch_1' } }],
    ['a job that is held although it was accepted', 'job', 'unapproved', { previousStatus: 'accepted' }],
    ['a late cancel without a batch or job', 'cancel', 'too_late', { status: null }],
    ['a cancel request of an invalid form', 'cancel', 'unknown', { request: { bucket: 'only' } }],
  ])('%s does not match', (_, name, status, differences) => {
    const kind = KINDS.find((each) => each.name === name);
    const example = kind?.examples[status];
    if (!kind || !example) throw new Error('there is no such example');
    expect(kind.valid(withData(example, differences))).toBe(false);
  });

  it('an event of another source or of another kind does not match', () => {
    for (const { valid, validOpenApi, examples } of KINDS) {
      const [example] = Object.values(examples);
      for (const fitsIt of [valid, validOpenApi]) {
        expect(fitsIt(example)).toBe(true);
        expect(fitsIt({ ...example, source: 'aws.s3' })).toBe(false);
        expect(fitsIt({ ...example, 'detail-type': 'Object Created' })).toBe(false);
        expect(fitsIt({ ...example, resources: ['reviews.jsonl'] })).toBe(false);
      }
    }
  });

  it('a list of 21 entries does not match, one of 20 does', () => {
    const example = contract.jobStatusExamples.rejected;
    const withFindings = (entries: number) => {
      const first = Array.from({ length: entries }, () => ({ line: 1, code: 'c', message: 'm' }));
      return withData(example, { findings: { count: 99, first } });
    };
    expect(fits.job(withFindings(20))).toBe(true);
    expect(fits.job(withFindings(21))).toBe(false);
  });

  it('a batch in a status that OpenAI adds later matches, without the fields of a failed batch', () => {
    const example = contract.batchStatusExamples.in_progress;
    expect(fits.batch(withData(example, { status: 'pondering' }))).toBe(true);
    expect(fits.batch(withData(example, { status: 'pondering', willRetry: true }))).toBe(false);
  });

  it("the schema of the detail is part of each event's schema", () => {
    for (const { examples } of KINDS) {
      const [example] = Object.values(examples);
      const schema = Object.values(SCHEMA_FILES).find(({ title }) => title === example?.['detail-type']);
      const valid = ajv.compile(Object(schema?.$defs).detail);
      expect(valid(example?.detail)).toBe(true);
      expect(valid(example)).toBe(false);
    }
  });
});

describe('the table of statuses', () => {
  it.each(KINDS.map((kind) => [kind.name, kind] as const))(
    'has no gap and no duplicate field: %s',
    (_, { table }) => {
      const special = new Set<string>();
      for (const { has, mayHave, nulls, published } of table.statuses) {
        const names = [...table.always, ...has, ...mayHave.map(({ name }) => name)];
        expect(new Set(names).size).toBe(names.length);
        for (const name of names) expect(table.fields).toHaveProperty(name);
        for (const name of nulls) expect(names).toContain(name);
        for (const name of names) if (!table.always.includes(name)) special.add(name);
        expect(published).toMatch(/^[A-Z].*\.$/);
      }
      expect([...table.always, ...(table.inAnyStatus ?? []), ...special].sort()).toEqual(
        Object.keys(table.fields).sort(),
      );
      for (const name of table.reportedByApi) expect(table.fields).toHaveProperty(name);
    },
  );

  it.each(EXAMPLES)('says which fields %s has, and which of them are null', (_, kind, status, example) => {
    const row = rowOf(kind, status);
    const { always, reportedByApi } = kind.table;
    const data = Object.entries(example.detail.data);
    const optional = row.mayHave.map(({ name }) => name);
    const present = data.map(([name]) => name).filter((name) => !optional.includes(name));
    expect(present.sort()).toEqual([...always, ...row.has].sort());
    const nulls = data.filter(([, value]) => value === null).map(([name]) => name);
    const named = nulls.filter((name) => row.nulls.includes(name) || name !== 'previousStatus');
    expect(named.sort()).toEqual([...row.nulls].sort());
    expect(row.nulls.filter((name) => !reportedByApi.includes(name) && name !== 'status')).toEqual([]);
  });

  it.each(EXAMPLES)('has the same rules for %s as the schema', (_, kind, status, example) => {
    const row = rowOf(kind, status);
    const optional = row.mayHave.map(({ name }) => name);
    const others = Object.keys(kind.table.fields).filter(
      (name) => ![...kind.table.always, ...row.has, ...optional].includes(name),
    );
    for (const name of others) {
      const foreign = Object.values(kind.examples).find(({ detail }) => name in detail.data);
      const value = foreign ? Reflect.get(foreign.detail.data, name) : { for: 'open_batches' };
      expect(kind.valid(withData(example, { [name]: value })), `with ${name}`).toBe(false);
    }
    for (const name of optional)
      expect(kind.valid(withData(example, { [name]: undefined })), `without ${name}`).toBe(true);
  });

  it('has a sentence for every field, including nested ones', () => {
    const silent = (schema: contract.JsonSchema, path: string): string[] => {
      const [only] = Array.isArray(schema.anyOf) ? schema.anyOf.filter(({ type }) => type !== 'null') : [];
      const inner = Object.entries(Object(only?.properties ?? schema.properties));
      if (inner.length === 0) return schema.description === undefined ? [path] : [];
      return inner.flatMap(([name, field]) => silent(Object(field), `${path}.${name}`));
    };
    let examined = 0;
    for (const { table } of KINDS)
      for (const [name, field] of Object.entries(table.fields)) {
        examined += 1;
        expect(silent(field, name)).toEqual([]);
      }
    expect(examined).toBeGreaterThan(35);
  });
});

describe('the files of the package', () => {
  it('are JSON Schema of draft 2020-12, or OpenAPI 3.0 as the schema registry takes it', () => {
    const names = Object.keys(SCHEMA_FILES);
    expect(names).toHaveLength(12);
    for (const [name, file] of Object.entries(SCHEMA_FILES)) {
      if (name.endsWith('.schema.json')) {
        expect(file.$schema).toBe('https://json-schema.org/draft/2020-12/schema');
        expect(ajv.validateSchema(file)).toBe(true);
        continue;
      }
      expect(file).toMatchObject({ openapi: '3.0.0', info: { version: '1.0.0' }, paths: {} });
      const { AWSEvent } = Object(file.components).schemas;
      expect(AWSEvent['x-amazon-events-source']).toBe('batchdrop');
      expect(AWSEvent['x-amazon-events-detail-type']).toBe(Object(file.info).title);
      expect(JSON.stringify(file)).not.toMatch(/"(const|oneOf|anyOf|not|\$schema|\$defs)":|"type":"null"/);
    }
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

  it('that is not JSON, or has a key over 1,024 bytes, is refused with a sentence', () => {
    expect(contract.parseCancelRequest('cancel it')).toEqual({ problem: expect.stringContaining('JSON') });
    const key = 'ü'.repeat(513);
    expect(contract.parseCancelRequest(JSON.stringify({ bucket: 'my-bucket', key }))).toEqual({
      problem: expect.stringContaining('1024'),
    });
  });

  it('is repeated in the outcome', () => {
    for (const { detail } of Object.values(contract.cancelOutcomeExamples))
      expect(fits.request(detail.data.request)).toBe(true);
  });
});

describe('an approval', () => {
  it.each([
    ['{"jobId":"k5mhx3q2vwn7tjzr4ydaf6bcgs"}', true],
    ['{"jobId":"k5mh"}', true], // of a job that nobody knows
    ['{"jobId":""}', false],
    ['{"jobId":7}', false],
    ['{"jobId":"../files"}', false],
    [`{"jobId":"${'x'.repeat(129)}"}`, false],
    ['{"jobId":"k5mhx3q2vwn7tjzr4ydaf6bcgs","batchId":"batch_1"}', false],
    ['{"batchId":"batch_1"}', false],
    ['{}', false],
    ['["k5mhx3q2vwn7tjzr4ydaf6bcgs"]', false],
    ['null', false],
  ])('%s: the schema and the parser agree', (body, good) => {
    expect(fits.approvalRequest(JSON.parse(body)), 'schema').toBe(good);
    expect('request' in contract.parseApprovalRequest(body), 'parser').toBe(good);
  });

  it('that is no JSON is told so in words', () => {
    expect(contract.parseApprovalRequest('approve it')).toEqual({
      problem: 'an approval message is JSON: {"jobId":"…"}',
    });
  });

  it('is what the outcome repeats', () => {
    for (const { detail } of Object.values(contract.approvalOutcomeExamples))
      expect(fits.approvalRequest(detail.data.request)).toBe(true);
  });
});

describe('a rule pattern', () => {
  const all = EXAMPLES.map(([, , , example]) => example);
  const matched = (pattern: contract.CdkEventPattern) => {
    const matches = compilePattern(JSON.stringify(contract.asJsonPattern(pattern)));
    return all.filter((example) => matches(example));
  };

  it('without a status matches all events of its kind and nothing else', () => {
    expect(matched(contract.batchStatusPattern())).toEqual(Object.values(contract.batchStatusExamples));
    expect(matched(contract.jobStatusPattern())).toEqual(Object.values(contract.jobStatusExamples));
    expect(matched(contract.cancelOutcomePattern())).toEqual(Object.values(contract.cancelOutcomeExamples));
    expect(matched(contract.approvalOutcomePattern())).toEqual(
      Object.values(contract.approvalOutcomeExamples),
    );
  });

  it('with statuses matches only those', () => {
    const { completed, failed, cancelled } = contract.batchStatusExamples;
    expect(matched(contract.batchStatusPattern('completed'))).toEqual([completed]);
    expect(matched(contract.batchStatusPattern('cancelled', 'failed'))).toEqual([failed, cancelled]);
    expect(matched(contract.jobStatusPattern('joined'))).toEqual([contract.jobStatusExamples.joined]);
    expect(matched(contract.cancelOutcomePattern('unknown'))).toEqual([
      contract.cancelOutcomeExamples.unknown,
    ]);
    expect(matched(contract.approvalOutcomePattern('approved', 'unknown'))).toEqual([
      contract.approvalOutcomeExamples.approved,
      contract.approvalOutcomeExamples.unknown,
    ]);
    expect(matched(contract.batchStatusPattern('pondering'))).toEqual([]);
  });

  it('of one Batchdrop matches only its events', () => {
    const { completed } = contract.batchStatusExamples;
    const pattern = contract.batchStatusPattern('completed');
    expect(matched(contract.ofInstance('Batchdrop.Batchdrop', pattern))).toEqual([completed]);
    expect(matched(contract.ofInstance('Batchdrop.Other', pattern))).toEqual([]);
    expect(matched(contract.ofInstance('Batchdrop.Other', contract.jobStatusPattern()))).toEqual([]);
    expect(matched(pattern)).toEqual([completed]);
  });
});
