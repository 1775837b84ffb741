import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { BatchApi } from '../../../functions/shared/ports/ports.ts';
import { create, openAiForEachTest, upload } from './openai-under-test.ts';
import { reset, type ScriptedAnswer } from './scripted-server.ts';

const openAi = openAiForEachTest();

const CLASSES = ['RetryableError', 'NotAllowed', 'TerminalError'];

/** Values that a field may have, including the right ones. */
const value = fc.oneof(
  fc.constantFrom(
    'batch_1',
    'file-1',
    'validating',
    'completed',
    '/v1/embeddings',
    '',
    null,
    true,
    1_761_998_400,
    1e300,
  ),
  fc.constantFrom(
    'insufficient_quota',
    'token_limit_exceeded',
    'Cannot find file file-1',
    '../x',
    '\u0000',
    '\ud800',
  ),
  fc.jsonValue({ maxDepth: 3 }),
);

/** Objects with the API's fields, and with others. */
const named = fc.dictionary(
  fc.constantFrom(
    ...[
      'id',
      'object',
      'status',
      'input_file_id',
      'output_file_id',
      'created_at',
      'metadata',
      'errors',
      'bytes',
    ],
    ...[
      'error',
      'detail',
      'message',
      'code',
      'type',
      'param',
      'data',
      'has_more',
      'last_id',
      'job',
      'deleted',
      '__proto__',
    ],
  ),
  value,
);
const nested = fc
  .record({
    outer: named,
    key: fc.constantFrom('error', 'detail', 'data', 'job', 'errors'),
    inner: fc.oneof(named, fc.array(named)),
  })
  .map(({ outer, key, inner }) => ({ ...outer, [key]: inner }));

const body = fc.oneof(
  fc.oneof(named, nested, fc.jsonValue()).map((json) => Buffer.from(JSON.stringify(json))),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc.string().map((text) => Buffer.from(text)),
);

const answer = fc.record({
  status: fc.oneof(
    fc.constantFrom(200, 201, 204, 302, 400, 401, 402, 403, 404, 409, 413, 422, 429, 500, 503, 507),
    fc.integer({ min: 200, max: 599 }),
  ),
  type: fc.constantFrom('application/json', 'text/html', 'application/octet-stream', undefined),
  encoding: fc.constantFrom(undefined, undefined, 'gzip'),
  retryAfter: fc.constantFrom(undefined, undefined, '3', 'soon', '-1', 'Sun, 01 Nov 2026 12:00:00 GMT'),
  body,
  cut: fc.constantFrom('whole', 'whole', 'whole', 'whole', 'short', 'reset'),
});

function scripted({ status, type, encoding, retryAfter, body: bytes, cut }: AnswerFacts): ScriptedAnswer {
  if (cut === 'reset') return reset;
  return (response) => {
    const headers = {
      ...(type === undefined ? {} : { 'content-type': type }),
      ...(encoding === undefined ? {} : { 'content-encoding': encoding }),
      ...(retryAfter === undefined ? {} : { 'retry-after': retryAfter }),
      ...(cut === 'short' ? { 'content-length': bytes.length + 10 } : {}),
    };
    response.writeHead(status, headers);
    if (cut === 'short') response.write(bytes, () => response.destroy());
    else response.end(bytes);
  };
}

type AnswerFacts = typeof answer extends fc.Arbitrary<infer Facts> ? Facts : never;

const calls: [string, (api: BatchApi) => Promise<unknown>, string[]][] = [
  ['an upload', () => upload(openAi, '{}\n'), CLASSES],
  ['a create', () => create(openAi), [...CLASSES, 'Ambiguous']],
  ['a retrieve', (api) => api.retrieveBatch('batch_1'), CLASSES],
  ['a list', (api) => api.listBatches({ limit: 2, after: 'batch_9' }), CLASSES],
  ['a cancel', (api) => api.cancelBatch('batch_1'), CLASSES],
  ['a length', (api) => api.fileBytes('file-1'), CLASSES],
  ['a content', (api) => Array.fromAsync(api.readFile('file-1')), CLASSES],
  ['a delete', (api) => api.deleteFile('file-1'), CLASSES],
];

it.each(calls)(
  '%s returns or throws one of our errors, whatever the response is',
  async (_, call, classes) => {
    let thrown = 0;
    await fc.assert(
      fc.asyncProperty(answer, async (facts) => {
        openAi.server.answerWith(scripted(facts));
        const failure = await call(openAi.api).then(
          () => undefined,
          (error: unknown) => error,
        );
        if (failure === undefined) return;
        thrown += 1;
        expect(failure).toBeInstanceOf(Error);
        expect(classes).toContain(failure instanceof Error ? failure.name : '');
        if (failure instanceof Error && failure.name === 'RetryableError' && 'said' in failure)
          expect(String(failure.said ?? '').length).toBeLessThanOrEqual(500);
      }),
      { numRuns: 300 },
    );
    expect(thrown).toBeGreaterThan(50);
  },
);
