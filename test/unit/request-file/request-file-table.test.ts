import { describe, expect, it } from 'vitest';
import { FILE_LIMITS } from '../../../functions/shared/contract/request-file.ts';
import { costKey, resultKeys } from '../../../functions/shared/contract/result-keys.ts';
import { validateObject } from '../../../functions/shared/request-file/validate-object.ts';
import { validateRequestFile } from '../../../functions/shared/request-file/validate-request-file.ts';
import { aJob } from '../../contracts/samples.ts';
import { createInMemoryRowTables } from '../../fakes/in-memory-row-tables.ts';
import { fileOf, fileOfTwoParts, row, SmallWorld } from '../small-world.ts';

// One table with intake's result for each kind of request file. RFC 8259 decides what is JSON. The slow cases are in
// validate-request-file.test.ts: exactly 200 MB, one byte more, and more than five million rows.

type Source = string | Uint8Array | (() => Iterable<Uint8Array>);
/** The rows of each part, or the findings as line and code. */
type Verdict = { accepted: number[] } | { refused: [line: number | null, code: string][] };

const accepted = (...rowsOfParts: number[]): Verdict => ({ accepted: rowsOfParts });
const refused = (...findings: [number | null, string][]): Verdict => ({ refused: findings });

const BOM = '\uFEFF';
const MEGABYTE = Buffer.alloc(1_000_000, 'x');
const EMBEDDINGS = '/v1/embeddings';
const a = row('a');
const b = row('b');
/** A row with this JSON text as its custom_id. */
const withId = (json: string) => a.replace('"a"', json);
const withBody = (json: string) =>
  a.replace('/v1/chat/completions', '/v1/responses').replace(/"body":.*$/, `"body":${json}}`);
const inPlaceOf = (text: string, bytes: number[]): Buffer => {
  const [before = '', after = ''] = a.replace('[]', '["HERE"]').replace('HERE', text).split(text);
  return Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(after)]);
};
const embeddings = (customId: string, inputs: number) =>
  row(customId, { url: EMBEDDINGS, body: { model: 'm', input: Array.from({ length: inputs }, () => 'x') } });
const nested = (open: string, close: string, depth = 10_000) =>
  withBody(`{"model":"m","deep":${open.repeat(depth)}1${close.repeat(depth)}}`);
/** A row of this many bytes, in chunks. */
function* longRow(bytes: number): Generator<Uint8Array> {
  const [before = '', after = ''] = withBody('{"model":"m","input":"|"}').split('|');
  yield Buffer.from(before);
  let left = bytes - before.length - after.length;
  for (; left > MEGABYTE.length; left -= MEGABYTE.length) yield MEGABYTE;
  yield MEGABYTE.subarray(0, left);
  yield Buffer.from(`${after}\n`);
}
function* rows(count: number): Generator<Uint8Array> {
  for (let from = 0; from < count; from += 1_000) {
    const ids = Array.from({ length: Math.min(1_000, count - from) }, (_, at) => `r${from + at}`);
    yield Buffer.from(fileOf(...ids));
  }
}

const LINES_AND_ENDS: [string, Source, Verdict][] = [
  ['two rows', `${a}\n${b}\n`, accepted(2)],
  ['a last line without a line end', `${a}\n${b}`, accepted(2)],
  ['CRLF', `${a}\r\n${b}\r\n`, accepted(2)],
  ['CR CR LF: the first CR is JSON white space', `${a}\r\r\n${b}\r\r\n`, accepted(2)],
  ['CR alone is not a line end', `${a}\r${b}\r`, refused([1, 'invalid_json'])],
  ['CR within a row, between tokens', a.replace(',', ',\r'), accepted(1)],
  ['LF within a row', a.replace(',', ',\n'), refused([1, 'invalid_json'], [2, 'invalid_json'])],
  ['U+2028 within a string is not a line end', withId('"a\u2028b"'), accepted(1)],
  ['blank lines', `\n\n${a}\n\n${b}\n\n`, accepted(2)],
  ['lines of spaces, tabs and CRs', ` \n\t\t\r\n${a}\n \t \r\r\n${b}`, accepted(2)],
  ['blank lines count as lines', `\n \n${a}\n\r\nx\n`, refused([5, 'invalid_json'])],
  ['a line of a no-break space', `${a}\n\u00A0\n`, refused([2, 'invalid_json'])],
  ['a line of a form feed', `${a}\n\f\n`, refused([2, 'invalid_json'])],
  ['spaces around a row', `  ${a}\t \n`, accepted(1)],
  ['BOM first', `${BOM}${a}\n${b}\n`, accepted(2)],
  ['BOM twice', `${BOM}${BOM}${a}\n`, refused([1, 'invalid_json'])],
  ['BOM in a later line', `${a}\n${BOM}${b}\n`, refused([2, 'invalid_json'])],
  ['BOM after a blank line', `\n${BOM}${a}\n`, refused([2, 'invalid_json'])],
  ['half a BOM', Buffer.concat([Buffer.from([0xef, 0xbb]), Buffer.from(a)]), refused([1, 'invalid_utf8'])],
  ['an empty file', '', refused([null, 'empty_file'])],
  ['only line ends', '\n\r\n\n', refused([null, 'empty_file'])],
  ['only CRs', '\r\r\r', refused([null, 'empty_file'])],
  ['only white space', ' \t \n \t', refused([null, 'empty_file'])],
  ['only a BOM', `${BOM}\n`, refused([null, 'empty_file'])],
];

const CHARACTERS: [string, Source, Verdict][] = [
  ['a byte that is never UTF-8', inPlaceOf('text', [0xff]), refused([1, 'invalid_utf8'])],
  ['Latin-1', inPlaceOf('text', [0xfc, 0x62]), refused([1, 'invalid_utf8'])],
  ['an overlong form', inPlaceOf('text', [0xc0, 0xaf]), refused([1, 'invalid_utf8'])],
  ['a character beyond U+10FFFF', inPlaceOf('text', [0xf4, 0x90, 0x80, 0x80]), refused([1, 'invalid_utf8'])],
  ['a lone surrogate, raw', inPlaceOf('text', [0xed, 0xa0, 0x80]), refused([1, 'invalid_utf8'])],
  [
    'a pair of surrogates, raw',
    inPlaceOf('text', [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80]),
    refused([1, 'invalid_utf8']),
  ],
  [
    'a character cut at the end of the file',
    Buffer.from(`${a}\n"ü`).subarray(0, -1),
    refused([2, 'invalid_utf8']),
  ],
  ['a lone surrogate, escaped, in the body', withBody('{"model":"m","input":"\\ud83d"}'), accepted(1)],
  ['a lone surrogate, escaped, in custom_id', withId('"\\ud83d"'), refused([1, 'invalid_custom_id'])],
  ['a lone surrogate, escaped, in model', withBody('{"model":"\\ude00"}'), refused([1, 'invalid_model'])],
  ['a pair of surrogates, escaped', withId('"\\ud83d\\ude00"'), accepted(1)],
  ['NUL, raw, in a string', inPlaceOf('text', [0]), refused([1, 'invalid_json'])],
  ['NUL, raw, between rows', `${a}\n\0\n`, refused([2, 'invalid_json'])],
  ['NUL, escaped, in a string', withId('"a\\u0000"'), accepted(1)],
  ['a tab, raw, in a string', withId('"a\tb"'), refused([1, 'invalid_json'])],
  ['DEL, raw, in a string', withId('"a\u007F"'), accepted(1)],
  ['UTF-16', Buffer.from(`${a}\n`, 'utf16le'), refused([null, 'wrong_encoding'])],
  ['UTF-16 with a BOM', Buffer.from(`${BOM}${a}`, 'utf16le'), refused([null, 'wrong_encoding'])],
];

const JSON_VALUES: [string, Source, Verdict][] = [
  ['a row cut short', `${a}\n${b.slice(0, -1)}`, refused([2, 'invalid_json'])],
  ['a row cut within a string', a.slice(0, 17), refused([1, 'invalid_json'])],
  ['two rows on a line', `${a}${b}\n`, refused([1, 'invalid_json'])],
  ['two rows on a line, with a comma', `${a},${b}\n`, refused([1, 'invalid_json'])],
  ['a comma after the last field', a.replace(/}$/, ',}'), refused([1, 'invalid_json'])],
  ['single quotes', a.replaceAll('"', "'"), refused([1, 'invalid_json'])],
  ['a comment', `${a} // first\n`, refused([1, 'invalid_json'])],
  ['NaN', withBody('{"model":"m","temperature":NaN}'), refused([1, 'invalid_json'])],
  ['an unknown escape', withId('"\\x61"'), refused([1, 'invalid_json'])],
  ['a number with a leading zero', withBody('{"model":"m","n":01}'), refused([1, 'invalid_json'])],
  ['an array', `[${a}]\n`, refused([null, 'wrong_format'])],
  ['one array over several lines', `[\n${a}\n]\n`, refused([null, 'wrong_format'])],
  ['an array after a row', `${a}\n[${b}]\n`, refused([2, 'not_an_object'])],
  ['a number', `${a}\n7\n`, refused([2, 'not_an_object'])],
  ['a string', `${JSON.stringify(a)}\n`, refused([1, 'not_an_object'])],
  ['true', 'true\n', refused([1, 'not_an_object'])],
  ['null', 'null\n', refused([1, 'not_an_object'])],
  ['an empty object', '{}\n', refused([1, 'invalid_custom_id'])],
  ['a field twice: the last one counts', a.replace('{', '{"custom_id":7,'), accepted(1)],
  [
    'a field twice, the last one invalid',
    a.replace(/}$/, ',"custom_id":7}'),
    refused([1, 'invalid_custom_id']),
  ],
  [
    'custom_id twice in a row, the last one the same as in line 1',
    `${a}\n${b.replace(/}$/, ',"custom_id":"a"}')}`,
    refused([2, 'duplicate_custom_id']),
  ],
  ['arrays 10,000 deep', nested('[', ']'), accepted(1)],
  ['objects 10,000 deep', nested('{"o":', '}'), accepted(1)],
  ['10,000 deep and never closed', nested('[', ''), refused([1, 'invalid_json'])],
  [
    'a line that is an array 10,000 deep',
    `${'['.repeat(10_000)}${']'.repeat(10_000)}`,
    refused([1, 'not_an_object']),
  ],
  ['a number beyond double', withBody('{"model":"m","seed":1e999}'), accepted(1)],
  ['an integer beyond 2^53', withBody('{"model":"m","seed":123456789012345678901234567890}'), accepted(1)],
  ['minus zero and the smallest exponent', withBody('{"model":"m","n":[-0,1e-999]}'), accepted(1)],
  ['__proto__ as an extra field', a.replace('{', '{"__proto__":{"custom_id":7},'), accepted(1)],
  ['fields only within __proto__', `{"__proto__":${a}}`, refused([1, 'invalid_custom_id'])],
  ['the model only within __proto__', withBody('{"__proto__":{"model":"m"}}'), refused([1, 'invalid_model'])],
  ['stream only within __proto__', withBody('{"model":"m","__proto__":{"stream":true}}'), accepted(1)],
];

const FIELDS: [string, Source, Verdict][] = [
  ['custom_id missing', a.replace('custom_id', 'customId'), refused([1, 'invalid_custom_id'])],
  ['custom_id a number', withId('1'), refused([1, 'invalid_custom_id'])],
  ['custom_id null', withId('null'), refused([1, 'invalid_custom_id'])],
  ['custom_id empty', withId('""'), refused([1, 'invalid_custom_id'])],
  ['custom_id of 512 bytes', row('x'.repeat(512)), accepted(1)],
  ['custom_id of 513 bytes', row('x'.repeat(513)), refused([1, 'invalid_custom_id'])],
  ['custom_id of 513 bytes in 257 characters', row(`x${'ü'.repeat(256)}`), refused([1, 'invalid_custom_id'])],
  [
    'custom_ids __proto__, constructor, toString',
    fileOf('__proto__', 'constructor', 'toString'),
    accepted(3),
  ],
  ['custom_id __proto__ twice', fileOf('__proto__', 'a', '__proto__'), refused([3, 'duplicate_custom_id'])],
  ['custom_ids that differ in case, form or a space', fileOf('a', 'A', 'a ', 'ä', 'a\u0308'), accepted(5)],
  ['custom_id twice in one part', fileOf('a', 'b', 'a'), refused([3, 'duplicate_custom_id'])],
  [
    'custom_id three times',
    fileOf('a', 'a', 'a'),
    refused([2, 'duplicate_custom_id'], [3, 'duplicate_custom_id']),
  ],
  ['custom_id twice, once escaped', `${a}\n${withId('"\\u0061"')}`, refused([2, 'duplicate_custom_id'])],
  [
    'custom_id twice, once raw and once escaped',
    fileOf('ü', 'ä') + withId('"\\u00fc"'),
    refused([3, 'duplicate_custom_id']),
  ],
  ['two custom_ids, one of which is the other read as Latin-1', fileOf('ü', 'Ã¼'), accepted(2)],
  [
    'two models, one of which is the other read as Latin-1',
    `${withBody('{"model":"ü"}')}\n${withBody('{"model":"Ã¼"}').replace('"a"', '"b"')}`,
    accepted(1, 1),
  ],
  ['two parts', fileOfTwoParts(), accepted(1, 1)],
  [
    'custom_id twice across parts',
    `${embeddings('a', 30_000)}\n${embeddings('a', 30_000)}`,
    refused([2, 'duplicate_custom_id']),
  ],
  ['url missing', row('a', { url: undefined }), refused([1, 'invalid_url'])],
  ['url unknown', row('a', { url: '/v1/assistants' }), refused([1, 'invalid_url'])],
  [
    'url with its host',
    row('a', { url: 'https://api.openai.com/v1/responses' }),
    refused([1, 'invalid_url']),
  ],
  ['url with a slash at its end', row('a', { url: '/v1/responses/' }), refused([1, 'invalid_url'])],
  ['url with ..', row('a', { url: '/v1/responses/../files' }), refused([1, 'invalid_url'])],
  ['url __proto__', row('a', { url: '__proto__' }), refused([1, 'invalid_url'])],
  ['rows with different urls', `${a}\n${row('b', { url: '/v1/responses' })}\n${row('c')}`, accepted(2, 1)],
  ['method missing', row('a', { method: undefined }), refused([1, 'invalid_method'])],
  ['method GET', row('a', { method: 'GET' }), refused([1, 'invalid_method'])],
  ['method in lower case', row('a', { method: 'post' }), refused([1, 'invalid_method'])],
  ['body missing', row('a', { body: undefined }), refused([1, 'invalid_body'])],
  ['url a list', row('a', { url: ['/v1/responses'] }), refused([1, 'invalid_url'])],
  ['body a string', row('a', { body: '{"model":"m"}' }), refused([1, 'invalid_body'])],
  ['body an array', row('a', { body: [{ model: 'm' }] }), refused([1, 'invalid_body'])],
  ['body null', row('a', { body: null }), refused([1, 'invalid_body'])],
  ['stream true', row('a', { body: { model: 'm', messages: [], stream: true } }), refused([1, 'stream'])],
  ['stream false', row('a', { body: { model: 'm', messages: [], stream: false } }), accepted(1)],
  ['model missing', row('a', { body: {} }), refused([1, 'invalid_model'])],
  ['model empty', row('a', { body: { model: '' } }), refused([1, 'invalid_model'])],
  ['model a number', row('a', { body: { model: 4 } }), refused([1, 'invalid_model'])],
  ['model an object', row('a', { body: { model: {} } }), refused([1, 'invalid_model'])],
  ['model an array', row('a', { body: { model: ['m'] } }), refused([1, 'invalid_model'])],
  ['model of 257 bytes', row('a', { body: { model: 'm'.repeat(257) } }), refused([1, 'invalid_model'])],
  ['messages missing', row('a', { body: { model: 'm' } }), refused([1, 'missing_field'])],
  ['messages null', row('a', { body: { model: 'm', messages: null } }), refused([1, 'missing_field'])],
  ['messages with an escaped name', a.replace('"messages"', '"m\\u0065ssages"'), accepted(1)],
  [
    'messages only within __proto__',
    row('a').replace('"messages":[]', '"__proto__":{"messages":[]}'),
    refused([1, 'missing_field']),
  ],
  [
    'messages beside the body',
    row('a', { messages: [], body: { model: 'm' } }),
    refused([1, 'missing_field']),
  ],
  [
    'messages in the body of one endpoint, but not of another',
    `${row('a', { url: '/v1/responses', body: { model: 'm' } })}
${row('b', { body: { model: 'm' } })}
${row('c')}`,
    refused([2, 'missing_field']),
  ],
  ['a chat body sent to embeddings', row('a', { url: EMBEDDINGS }), refused([1, 'missing_field'])],
  ['rows with different models', `${a}\n${row('b', { body: { model: 'n', messages: [] } })}`, accepted(1, 1)],
  [
    'custom_id twice, in rows of different models',
    `${a}\n${row('a', { body: { model: 'n', messages: [] } })}`,
    refused([2, 'duplicate_custom_id']),
  ],
  [
    'several faults in several lines',
    `${withId('7')}\n${b}\nx\n${row('c', { method: 'GET' })}\n${b}\n`,
    refused([1, 'invalid_custom_id'], [3, 'invalid_json'], [4, 'invalid_method'], [5, 'duplicate_custom_id']),
  ],
];

const SIZES: [string, Source, Verdict][] = [
  ['50,000 embedding inputs in a row', embeddings('a', 50_000), accepted(1)],
  ['50,001 embedding inputs in a row', embeddings('a', 50_001), refused([1, 'too_many_inputs'])],
  [
    '50,001 embedding inputs in two rows',
    `${embeddings('a', 50_000)}\n${embeddings('b', 1)}`,
    accepted(1, 1),
  ],
  ['50,000 lines', () => rows(50_000), accepted(50_000)],
  ['50,001 lines', () => rows(50_001), accepted(50_000, 1)],
  ['a row of exactly the limit', () => longRow(FILE_LIMITS.rowBytes), accepted(1)],
  ['a row of one byte more', () => longRow(FILE_LIMITS.rowBytes + 1), refused([1, 'row_too_long'])],
  [
    'a row of 100 MB, followed by an invalid row',
    function* () {
      yield* longRow(100_000_000);
      yield Buffer.from('x');
    },
    refused([1, 'row_too_long'], [2, 'invalid_json']),
  ],
];

const TABLE = [...LINES_AND_ENDS, ...CHARACTERS, ...JSON_VALUES, ...FIELDS, ...SIZES];
const SMALL_BYTES = 4_000;

async function verdictOn(chunks: () => Iterable<Uint8Array>): Promise<Verdict> {
  const checked = await validateRequestFile(async function* () {
    yield* chunks();
  }, createInMemoryRowTables());
  if (checked.verdict === 'good') return accepted(...checked.parts.map((part) => part.rows));
  expect(checked.count).toBe(checked.findings.length);
  return refused(...checked.findings.map(({ line, code }): [number | null, string] => [line, code]));
}

describe('a request file', () => {
  it.each(TABLE)('%s', async (_, source, verdict) => {
    if (typeof source === 'function') {
      expect(await verdictOn(source)).toEqual(verdict);
      return;
    }
    const file = Buffer.from(source);
    expect(await verdictOn(() => [file])).toEqual(verdict);
    // The result does not depend on the chunks in which S3 returns the file.
    if (file.length > SMALL_BYTES) return;
    expect(await verdictOn(() => Array.from(file, (byte) => Uint8Array.of(byte)))).toEqual(verdict);
  });

  it('has at least 60 cases in this table, each with its own name', () => {
    const names = new Set(TABLE.map(([name]) => name));
    expect(names.size).toBe(TABLE.length);
    expect(names.size).toBeGreaterThanOrEqual(60);
  });
});

const keyOf = (bytes: number, character = 'k') =>
  `${character.repeat((bytes - '.jsonl'.length) / Buffer.byteLength(character))}.jsonl`;

describe('an object key', () => {
  it.each([
    ['spaces', ' a  b .jsonl'],
    ['plus signs', 'a+b++c.jsonl'],
    ['percent signs that look like an encoding', 'a%2Fb%20c%.jsonl'],
    ['letters beyond ASCII', 'ü/日本/😀.jsonl'],
    ['a letter composed and decomposed', 'ä/a\u0308.jsonl'],
    ['..', '../../a/../b.jsonl'],
    ['a leading slash and empty folders', '//a///b.jsonl'],
    ['control characters', 'a\n\u0000\tb.jsonl'],
    ['quotes and brackets', `"a"'b'{c}[d]<e>&\\.jsonl`],
    ['names of object properties', '__proto__/constructor.jsonl'],
    ['the folder of long keys', '_long/a.jsonl'],
    ['only the suffix', '.jsonl'],
    ['the suffix in capitals', 'A.JSONL'],
    ['the other suffix in mixed case', 'a.NdJson'],
    ['two suffixes', 'a.gz.jsonl'],
    ['900 bytes', keyOf(900)],
    ['901 bytes', keyOf(901)],
    ['1,024 bytes', keyOf(1_024)],
    ['1,024 bytes in fewer characters', keyOf(1_024, 'ü')],
  ])('with %s remains the same from the event to the results', async (_, key) => {
    const { request } = aJob();
    expect(validateObject({ ...request, key })).toEqual([]);
    const world = new SmallWorld();
    const jobId = await world.drop(key, fileOf('r1', 'r2'));
    await world.rest();
    expect(world.jobStatuses(jobId)).toEqual(['accepted', 'submitted', 'completed']);
    expect(world.job(jobId).request.key).toBe(key);
    const keys = resultKeys(world.job(jobId));
    const folder = Buffer.byteLength(key) > 900 || /^_(long|batchdrop)\//.test(key) ? '_long' : key;
    expect(keys.output).toBe(`${folder}/${jobId}/output.jsonl`);
    // Only the files for users remain, all in the job's own folder, and what the job cost.
    expect([...world.results.objects().keys()].sort()).toEqual(
      [costKey(world.job(jobId)), keys.errors, keys.output, keys.summary].sort(),
    );
    for (const written of Object.values(keys)) expect(Buffer.byteLength(written)).toBeLessThanOrEqual(1_024);
    expect(world.lines('output.jsonl').map((line) => line.custom_id)).toEqual(['r1', 'r2']);
  });

  it.each(['a.jsonl.gz', 'A.JSONL.GZ', 'a.ndjson.GZ', 'a.json', 'a.jsonl ', 'a.jsonl/', 'jsonl', 'a.ｊsonl'])(
    'such as "%s" is rejected with a report, and nothing is submitted',
    async (key) => {
      const world = new SmallWorld();
      const jobId = await world.drop(key, fileOf('r1'));
      await world.rest();
      expect(world.jobStatuses(jobId)).toEqual(['rejected']);
      const report = world.results.objects().get(`${key}/${jobId}/rejected.json`);
      expect(JSON.parse(Buffer.from(report?.body ?? '').toString())).toMatchObject({
        findings: [{ line: null, code: 'unsupported_name' }],
      });
      expect(world.api.audit().uploads).toEqual([]);
    },
  );
});
