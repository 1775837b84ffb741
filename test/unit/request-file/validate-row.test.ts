import { describe, expect, it } from 'vitest';
import { ENDPOINTS, FILE_LIMITS } from '../../../functions/shared/contract/request-file.ts';
import { validateRow } from '../../../functions/shared/request-file/validate-row.ts';

const PLAIN = { custom_id: 'r1', method: 'POST', url: '/v1/chat/completions', body: { model: 'm' } };
const line = (differences: object) => Buffer.from(JSON.stringify({ ...PLAIN, ...differences }));
const faultOf = (bytes: Uint8Array) => {
  const checked = validateRow(bytes);
  return 'code' in checked ? checked : undefined;
};

describe('a good row', () => {
  it('is read, whatever else it carries', () => {
    expect(validateRow(line({ extra: [1] }))).toEqual({
      row: { customId: 'r1', endpoint: '/v1/chat/completions', model: 'm', embeddingInputs: 0 },
    });
  });

  it.each(ENDPOINTS)('may call %s', (url) => {
    expect(faultOf(line({ url }))).toBeUndefined();
  });

  it.each([
    ['512 bytes of custom_id', { custom_id: 'x'.repeat(512) }],
    ['a custom_id of 128 emoji', { custom_id: '😀'.repeat(128) }],
    ['stream false', { body: { model: 'm', stream: false } }],
    ['a model name of 256 bytes', { body: { model: 'm'.repeat(256) } }],
  ])('%s', (_, differences) => {
    expect(faultOf(line(differences))).toBeUndefined();
  });

  it('is read out of the middle of a larger buffer', () => {
    const bytes = Buffer.concat([Buffer.from('garbage'), line({}), Buffer.from([0xff])]);
    expect(validateRow(bytes.subarray(7, -1))).toHaveProperty('row.customId', 'r1');
  });

  it.each([
    ['one string', 'a', 1],
    ['a list of strings', ['a', 'b', 'c'], 3],
    ['a list of token numbers', [1, 2, 3], 1],
    ['a list of lists of token numbers', [[1, 2], [3]], 2],
    ['none at all', undefined, 1],
  ])('counts embedding inputs: %s', (_, input, expected) => {
    const embeddings = line({ url: '/v1/embeddings', body: { model: 'm', input } });
    expect(validateRow(embeddings)).toHaveProperty('row.embeddingInputs', expected);
    expect(validateRow(line({ body: { model: 'm', input } }))).toHaveProperty('row.embeddingInputs', 0);
  });
});

describe('a faulty row', () => {
  it.each([
    [
      'a byte that is no UTF-8',
      Buffer.concat([line({}).subarray(0, -1), Buffer.from([0xff])]),
      'invalid_utf8',
    ],
    ['a character cut in half', Buffer.from('{"custom_id":"ü').subarray(0, -1), 'invalid_utf8'],
    ['UTF-16', Buffer.from(JSON.stringify(PLAIN), 'utf16le'), 'invalid_json'],
    ['a lone surrogate in UTF-8', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), 'invalid_utf8'],
    ['no JSON', Buffer.from('hello'), 'invalid_json'],
    ['JSON that is cut', line({}).subarray(0, -3), 'invalid_json'],
    ['JSON that goes on', Buffer.concat([line({}), Buffer.from('}')]), 'invalid_json'],
    ['two values', Buffer.concat([line({}), line({})]), 'invalid_json'],
    ['a byte order mark', Buffer.concat([Buffer.from('\uFEFF'), line({})]), 'invalid_json'],
    ['NaN', Buffer.from('{"custom_id":NaN}'), 'invalid_json'],
    ['a control character in a string', Buffer.from('{"custom_id":"a\u0001"}'), 'invalid_json'],
    ['a string', Buffer.from('"row"'), 'not_an_object'],
    ['a list', Buffer.from('[{}]'), 'not_an_object'],
    ['null', Buffer.from('null'), 'not_an_object'],
    ['a number', Buffer.from('7'), 'not_an_object'],
    ['no custom_id', line({ custom_id: undefined }), 'invalid_custom_id'],
    ['a custom_id that is a number', line({ custom_id: 7 }), 'invalid_custom_id'],
    ['an empty custom_id', line({ custom_id: '' }), 'invalid_custom_id'],
    ['513 bytes of custom_id', line({ custom_id: 'x'.repeat(513) }), 'invalid_custom_id'],
    ['513 bytes in fewer characters', line({ custom_id: `x${'😀'.repeat(128)}` }), 'invalid_custom_id'],
    ['half a character in custom_id', Buffer.from('{"custom_id":"\\ud83d"}'), 'invalid_custom_id'],
    ['no method', line({ method: undefined }), 'invalid_method'],
    ['another method', line({ method: 'GET' }), 'invalid_method'],
    ['a method in lower case', line({ method: 'post' }), 'invalid_method'],
    ['no url', line({ url: undefined }), 'invalid_url'],
    ['a whole url', line({ url: 'https://api.openai.com/v1/responses' }), 'invalid_url'],
    ['an unknown url', line({ url: '/v1/assistants' }), 'invalid_url'],
    ['a url that is a list', line({ url: ['/v1/responses'] }), 'invalid_url'],
    ['no body', line({ body: undefined }), 'invalid_body'],
    ['a body that is a list', line({ body: [] }), 'invalid_body'],
    ['a body that is text', line({ body: '{}' }), 'invalid_body'],
    ['a body that is null', line({ body: null }), 'invalid_body'],
    ['no model', line({ body: {} }), 'invalid_model'],
    ['an empty model', line({ body: { model: '' } }), 'invalid_model'],
    ['a model that is an object', line({ body: { model: {} } }), 'invalid_model'],
    ['a model name that no event could carry', line({ body: { model: 'm'.repeat(257) } }), 'invalid_model'],
    ['stream true', line({ body: { model: 'm', stream: true } }), 'stream'],
  ])('%s', (_, bytes, code) => {
    expect(faultOf(bytes)?.code).toBe(code);
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
  ])('%s: the message says %s', (text, words) => {
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
  ])('shows no more of the line than a short word', (text) => {
    const message = faultOf(Buffer.from(text))?.message ?? '';
    expect(message.length).toBeGreaterThan(10);
    expect(message.split(SECRET).length - 1).toBeLessThan(5); // a wrong method or url is shown, cut
    expect(message.length).toBeLessThan(300);
  });
});

it('has the limits that are published', () => {
  expect(FILE_LIMITS).toMatchObject({ customIdBytes: 512, modelBytes: 256, rowBytes: 32 * 1024 * 1024 });
});

describe('a row that would fill the memory once it is parsed', () => {
  const row = (filler: string) =>
    Buffer.from(`{"custom_id":"a","method":"POST","url":"/v1/responses","body":{"model":"m","x":${filler}}}`);

  it('is refused for its number of arrays and objects, before it is parsed', () => {
    const half = 1_100_000;
    expect(validateRow(row('['.repeat(half) + ']'.repeat(half)))).toMatchObject({ code: 'row_too_complex' });
    expect(validateRow(row(`[${'{},'.repeat(half)}0]`))).toMatchObject({ code: 'row_too_complex' });
  });

  it('is taken when it is only long, or has many of them and few bytes', () => {
    expect(validateRow(row(`"${'x'.repeat(5_000_000)}"`))).toHaveProperty('row');
    expect(validateRow(row('['.repeat(10_000) + ']'.repeat(10_000)))).toHaveProperty('row');
  });
});
