import { describe, expect, it } from 'vitest';
import { ENDPOINTS, FILE_LIMITS } from '../../../functions/shared/contract/request-file.ts';
import { validateRow } from '../../../functions/shared/request-file/validate-row.ts';

const PLAIN = { custom_id: 'r1', method: 'POST', url: '/v1/responses', body: { model: 'm' } };
/** A body with the fields of every endpoint. */
const FULL = { model: 'm', messages: [], input: 'a', prompt: 'a' };
const line = (differences: object) => Buffer.from(JSON.stringify({ ...PLAIN, ...differences }));
const faultOf = (bytes: Uint8Array) => {
  const checked = validateRow(bytes);
  return 'code' in checked ? checked : undefined;
};

describe('a valid row', () => {
  it('is accepted with extra fields', () => {
    expect(validateRow(line({ extra: [1] }))).toEqual({
      row: {
        ...{ customId: 'r1', endpoint: '/v1/responses', model: 'm' },
        ...{ embeddingInputs: 0, outputBound: Number.POSITIVE_INFINITY },
      },
    });
  });

  it.each(ENDPOINTS)('may call %s', (url) => {
    expect(faultOf(line({ url, body: FULL }))).toBeUndefined();
  });

  it.each([
    ['a custom_id of 128 emoji', { custom_id: '😀'.repeat(128) }],
    ['a model name of 256 bytes', { body: { model: 'm'.repeat(256) } }],
  ])('%s', (_, differences) => {
    expect(faultOf(line(differences))).toBeUndefined();
  });

  it('is read from the middle of a larger buffer', () => {
    const bytes = Buffer.concat([Buffer.from('garbage'), line({}), Buffer.from([0xff])]);
    expect(validateRow(bytes.subarray(7, -1))).toHaveProperty('row.customId', 'r1');
  });

  it.each([
    ['one string', 'a', 1],
    ['a list of strings', ['a', 'b', 'c'], 3],
    ['a list of token numbers', [1, 2, 3], 1],
    ['a list of lists of token numbers', [[1, 2], [3]], 2],
  ])('counts embedding inputs: %s', (_, input, expected) => {
    const embeddings = line({ url: '/v1/embeddings', body: { model: 'm', input } });
    expect(validateRow(embeddings)).toHaveProperty('row.embeddingInputs', expected);
    expect(validateRow(line({ body: { model: 'm', input } }))).toHaveProperty('row.embeddingInputs', 0);
  });
});

describe('a row without a field that OpenAI requires', () => {
  it.each([
    ['/v1/chat/completions', 'messages'],
    ['/v1/embeddings', 'input'],
    ['/v1/moderations', 'input'],
    ['/v1/completions', 'prompt'],
    ['/v1/images/generations', 'prompt'],
    ['/v1/images/edits', 'prompt'],
    ['/v1/videos', 'prompt'],
  ])('%s: the finding names the request, the field and what to do', (url, field) => {
    const message = `request "r1": body.${field} is missing; ${url} requires it; add it`;
    expect(faultOf(line({ url, body: { ...FULL, [field]: undefined } }))).toEqual({
      code: 'missing_field',
      message,
    });
  });

  it('null counts as missing, except for the prompt of /v1/completions', () => {
    const chat = line({ url: '/v1/chat/completions', body: { model: 'm', messages: null } });
    expect(faultOf(chat)).toMatchObject({
      code: 'missing_field',
      message: expect.stringContaining('is null'),
    });
    expect(faultOf(line({ url: '/v1/completions', body: { model: 'm', prompt: null } }))).toBeUndefined();
  });

  it.each([{ prompt: { id: 'pmpt_1' } }, { conversation: 'conv_1' }, { previous_response_id: 'resp_1' }, {}])(
    '/v1/responses requires no field: %j',
    (body) => {
      expect(faultOf(line({ body: { model: 'm', ...body } }))).toBeUndefined();
    },
  );
});

describe('an invalid row', () => {
  it.each([
    ['missing', {}],
    ['null', { model: null }],
    ['empty', { model: '' }],
    ['an array', { model: ['m'] }],
    ['an object', { model: { name: 'm' } }],
    ['a number', { model: 4 }],
    ['a boolean', { model: true }],
  ])('says what is in the place of the model: %s', (what, body) => {
    expect(faultOf(line({ body }))?.message).toMatch(new RegExp(`; it is ${what}$`));
  });

  it.each([
    ['{"a":', 'it ends too early'],
    ['{"a":"b', 'it ends too early'],
    ['{"a":1,}', 'position 7'],
    ['{"a":x}', 'unexpected "x"'],
    ['{"a":1}}', 'position 7'],
    ['{"end of JSON": x}', 'unexpected "x"'],
    ['{"Unterminated": x}', 'unexpected "x"'],
    ['{"at position 31337": x}', 'unexpected "x"'],
  ])('%s: the message contains "%s"', (text, words) => {
    expect(faultOf(Buffer.from(text))?.message).toMatch(new RegExp(`: .*${words}`));
  });

  const SECRET = 'my-dear-patient-';
  const PRIVATE = SECRET.repeat(40);
  it.each([
    `{"body":"${PRIVATE}" x}`,
    `{"${PRIVATE}"`,
    `${PRIVATE}`,
    `"${PRIVATE}"`,
    `{"custom_id":["${PRIVATE}"]}`,
    `{"custom_id":"${PRIVATE}"}`,
    JSON.stringify({ ...PLAIN, method: PRIVATE }),
    JSON.stringify({ ...PLAIN, url: PRIVATE }),
    JSON.stringify({ ...PLAIN, url: { a: PRIVATE } }),
    JSON.stringify({ ...PLAIN, body: PRIVATE }),
    JSON.stringify({ ...PLAIN, body: { model: PRIVATE } }),
    JSON.stringify({ ...PLAIN, body: { model: { a: PRIVATE } } }),
    JSON.stringify({ ...PLAIN, body: { model: 'm', stream: true, input: PRIVATE } }),
    JSON.stringify({ ...PLAIN, custom_id: PRIVATE.slice(0, 500), url: '/v1/embeddings' }),
  ])('has a message that quotes at most a short word of the line', (text) => {
    const message = faultOf(Buffer.from(text))?.message ?? '';
    expect(message.length).toBeGreaterThan(10);
    expect(message.split(SECRET).length - 1).toBeLessThan(5); // an invalid method or url is quoted, but shortened
    expect(message.length).toBeLessThan(300);
  });
});

it('the limits of a row are the published ones', () => {
  expect(FILE_LIMITS).toMatchObject({ customIdBytes: 512, modelBytes: 256, rowBytes: 32 * 1024 * 1024 });
});

describe('a large row', () => {
  const row = (filler: string) =>
    Buffer.from(`{"custom_id":"a","method":"POST","url":"/v1/responses","body":{"model":"m","x":${filler}}}`);

  it('with too many arrays and objects is refused before it is parsed', () => {
    const half = 1_100_000;
    expect(validateRow(row('['.repeat(half) + ']'.repeat(half)))).toMatchObject({ code: 'row_too_complex' });
    expect(validateRow(row(`[${'{},'.repeat(half)}0]`))).toMatchObject({ code: 'row_too_complex' });
  });

  it('is accepted if it is only long, or has many arrays in few bytes', () => {
    expect(validateRow(row(`"${'x'.repeat(5_000_000)}"`))).toHaveProperty('row');
    expect(validateRow(row('['.repeat(10_000) + ']'.repeat(10_000)))).toHaveProperty('row');
  });
});
