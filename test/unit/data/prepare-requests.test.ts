import { afterAll, describe, expect, it } from 'vitest';
import type { Output } from '../../../bin/data/output/output.ts';
import { prepareRequests } from '../../../bin/data/requests/prepare-requests.ts';
import { RequestLines } from '../../../bin/data/requests/request-lines.ts';
import {
  endpointNamed,
  readRequestShape,
  refuseUnknownColumns,
} from '../../../bin/data/requests/request-shape.ts';
import { openTable } from '../../../bin/data/tables/open-table.ts';
import { Failure, failureLines } from '../../../bin/terminal/failure.ts';
import { FILE_LIMITS } from '../../../functions/shared/contract/request-file.ts';
import { DataFolder } from './data-files.ts';

const folder = new DataFolder();
afterAll(() => folder.discard());

class MemoryOutput implements Output {
  text = '';
  isComplete = false;

  async write(lines: Uint8Array): Promise<void> {
    this.text += Buffer.from(lines).toString();
  }
  async succeed(): Promise<void> {
    this.isComplete = true;
  }
  async fail(): Promise<void> {}
}

interface Given {
  data: string;
  name?: string;
  /** The content of the message, or a whole template. */
  template: unknown;
  schema?: unknown;
  id?: string;
  endpoint?: string;
  limit?: number;
  readFile?: (name: string) => string;
}

const chat = (content: unknown) => ({ model: 'm', messages: [{ role: 'user', content }] });

/** Prepares requests and returns what was written. */
async function prepared({ data, name = 'data.csv', template, schema, id, endpoint, limit, readFile }: Given) {
  const shape = await readRequestShape({
    template: folder.write(
      'template.json',
      `\ufeff${JSON.stringify(typeof template === 'string' ? chat(template) : template)}`,
    ),
    schema: schema === undefined ? undefined : folder.write('my answer.schema.json', JSON.stringify(schema)),
    endpoint: endpoint === undefined ? undefined : endpointNamed(endpoint),
  });
  const table = await openTable({ path: folder.write(name, data), file: name });
  const lines = new RequestLines({
    ...shape,
    id,
    readFile: readFile ?? ((file) => `data:text/plain;base64,${file}`),
  });
  refuseUnknownColumns(table, lines.columns, name);
  const output = new MemoryOutput();
  const plan = await prepareRequests(table, lines, output, limit);
  if (!output.isComplete) throw new Error('the output is not complete');
  return {
    plan,
    rows: output.text
      .trimEnd()
      .split('\n')
      .map((line): { custom_id: string; url: string; body: Record<string, unknown> } => JSON.parse(line)),
    text: output.text,
  };
}

/** Returns the lines that the user sees. */
async function refused(given: Given): Promise<string[]> {
  const failure = await prepared(given).catch((error: unknown) => error);
  if (!(failure instanceof Failure)) throw new Error(`not refused: ${JSON.stringify(failure)}`);
  return failureLines(failure);
}

const contents = async (given: Given) =>
  (await prepared(given)).rows
    .map(({ body }) => body.messages)
    .map((messages) => (Array.isArray(messages) ? messages[0].content : undefined));

describe('a place', () => {
  it('is filled with text, which cannot change the request', async () => {
    const data = 'a,b\n"x"",\n\\ {{b}} \t",é😀\n';
    expect(await contents({ data, template: 'A: {{a}} B: {{ b }}{{{{a}} }}' })).toEqual([
      'A: x",\n\\ {{b}} \t B: é😀{{a}} }}',
    ]);
  });

  it('may stand between single braces', async () => {
    expect(await contents({ data: 'a\nx\n', template: '{{{a}}} {"a": {{a}}} {{{{{a}}' })).toEqual([
      '{x} {"a": x} {{{a}}',
    ]);
  });

  it('is replaced with a JSON value, arrays included, every digit kept', async () => {
    const data = 'a\n"[1, ""two"",\n {""three"": 12345678901234567890}]"\n null \n';
    const { text } = await prepared({ data, template: chat('{{a:json}}') });
    expect(text).toContain('"content":[1, "two",  {"three": 12345678901234567890}]}');
    expect(text).toContain('"content":null}');
    expect(text.split('\n')).toHaveLength(3);
  });

  it('is replaced with a number, every digit kept', async () => {
    const template = { ...chat('{{n}}'), seed: '{{n:number}}' };
    const { text } = await prepared({ data: 'n,x\n-1.50e3,\n 9007199254740993 ,\n', template });
    expect(text).toContain('"content":"-1.50e3"}],"seed":-1.50e3}');
    expect(text).toContain('"seed":9007199254740993}');
  });

  it('keeps the values of JSON Lines as they are', async () => {
    const data = '{"a":{"x":[1.0]},"n":1e2,"s":"[1]"}\n{"a":null,"n":7,"s":"null"}\n';
    const template = { ...chat('{{n}} {{a}}'), metadata: ['{{a:json}}', '{{n:number}}', '{{s:json}}'] };
    const { text } = await prepared({ data, name: 'data.jsonl', template });
    expect(text).toContain('"content":"1e2 {\\"x\\":[1.0]}"}],"metadata":[{"x":[1.0]},1e2,[1]]}');
    expect(text).toContain('"content":"7 "}],"metadata":[null,7,null]}');
  });

  it('that gets a bad value is named with its line, and nothing else is lost', async () => {
    const data = 'n,j\n007,1\n1,{\n,1\n1,\n"1,5",1\n2,2\n';
    const template = { ...chat('x'), seed: '{{n:number}}', metadata: '{{j:json}}' };
    expect(await refused({ data, template })).toEqual([
      'No request file was made, because data.csv has errors:',
      'data.csv:2: column "n": "007" is not a number: numbers of JSON have no leading zeros',
      'data.csv:3: column "j": "{" is not JSON',
      'data.csv:4: column "n": is empty, not a number',
      'data.csv:5: column "j": is empty, not JSON',
      'data.csv:6: column "n": "1,5" is not a number',
    ]);
  });

  it.each([
    [chat('no places'), 'The template has no places'],
    [chat('Value: {{a:json}}'), 'A json value must be the whole string'],
    [{ ...chat('{{a}}'), seed: 2 ** 60 }, 'The template has a number with more digits'],
    [chat('{{a'), 'The template has {{ without a column and }}: "{{a"'],
    [chat('{{ }}'), 'The template has {{ without a column and }}'],
    [{ ...chat('{{a}}'), '{{a}}': 1 }, 'Places work only in values'],
    [{ custom_id: '{{a}}', body: chat('{{a}}') }, 'must be the body of a request alone'],
    [[chat('{{a}}')], 'must be a JSON object'],
    [{ model: 'm', input: '{{a}}' }, '--endpoint must say'],
    [chat('{{text}}'), 'data.csv has no column "text". Its columns are "a", "b", "b".'],
    [chat('{{b}}'), 'data.csv has several columns "b": numbers 2 and 3'],
  ])('of the template %j is refused if it makes no sense', async (template, message) => {
    const [sentence] = await refused({ data: 'a,b,b\n1,2,3\n', template });
    expect(sentence).toContain(message);
  });

  it('of an unknown column suggests another delimiter', async () => {
    const [sentence] = await refused({ data: 'a;text\n1;2\n', template: '{{text}}' });
    expect(sentence).toContain("add --delimiter ';'");
  });
});

describe('a request', () => {
  it('has the id of its column, or the number of its row', async () => {
    const data = 'a,id\nx,007\ny," ""é""\n"\n';
    const ids = async (id?: string) =>
      (await prepared({ data, template: '{{a}}', ...(id !== undefined && { id }) })).rows.map(
        (row) => row.custom_id,
      );
    expect(await ids('id')).toEqual(['007', ' "é"\n']);
    expect(await ids()).toEqual(['row-1', 'row-2']);
  });

  it('is refused for an empty, long or repeated id, with the line in the data', async () => {
    const long = 'x'.repeat(FILE_LIMITS.customIdBytes + 1);
    const data = `id,a\n1,"two\nlines"\n,x\n${long},x\n2,x\n1,x\n2,x\n`;
    expect(await refused({ data, id: 'id', template: '{{a}}' })).toEqual([
      'No request file was made, because data.csv has errors:',
      'data.csv:4: custom_id must be a non-empty string; it is empty',
      `data.csv:5: custom_id has 513 bytes; 512 are allowed`,
      'data.csv:7: the id "1" is the same as in data.csv:2',
      'data.csv:8: the id "2" is the same as in data.csv:6',
    ]);
  });

  it('goes to the endpoint that the user names', async () => {
    const template = { model: 'm', input: '{{a}}' };
    const { rows } = await prepared({ data: 'a\nx\n', template, endpoint: 'embeddings' });
    expect(rows).toEqual([
      { custom_id: 'row-1', method: 'POST', url: '/v1/embeddings', body: { model: 'm', input: 'x' } },
    ]);
    expect(endpointNamed('/v1/responses')).toBe('/v1/responses');
    expect(endpointNamed('v1/chat/completions')).toBe('/v1/chat/completions');
    expect(endpointNamed('chats')).toBeUndefined();
  });

  it('that INTAKE would reject is refused, once for all rows', async () => {
    const template = { ...chat('{{a}}'), stream: true };
    expect(await refused({ data: `a\n${'x\n'.repeat(3_000)}`, template })).toEqual([
      'No request file was made, because data.csv has errors:',
      expect.stringMatching(/^data\.csv:2: body\.stream is true; .* \([\d,]+ rows\)$/),
    ]);
  });

  it('longer than a row may be is refused with its line', async () => {
    const data = `a\nx\n${'y'.repeat(FILE_LIMITS.rowBytes - 10)}\nz\n`;
    expect(await refused({ data, template: '{{a}}' })).toContain(
      `data.csv:3: the line is longer than ${FILE_LIMITS.rowBytes} bytes`,
    );
  });

  it('is made of the first rows only, if the user says so', async () => {
    const data = 'a\n1\n2\n"3"broken\n';
    const { plan, rows } = await prepared({ data, template: '{{a}}', limit: 2 });
    expect(rows).toHaveLength(2);
    expect(plan).toMatchObject({ rows: 2, parts: [{ rows: 2, model: 'm' }] });
    expect(await refused({ data, template: '{{a}}' })).toEqual([
      expect.stringMatching(/^data\.csv:4: value 1 has text/),
    ]);
  });

  it('is made for each of many rows, in order', async () => {
    const data = `id,a\n${Array.from({ length: 20_000 }, (_, at) => `${at},${'é'.repeat(at % 50)}`).join('\n')}`;
    const { rows, plan, text } = await prepared({ data, id: 'id', template: 'Text: {{a}}' });
    expect(rows.every(({ custom_id: id }, at) => id === String(at))).toBe(true);
    expect(plan).toMatchObject({ rows: 20_000, bytes: Buffer.byteLength(text) });
  });

  it('is never made of no rows', async () => {
    expect(await refused({ data: 'a,b\n', template: '{{a}}' })).toEqual(['data.csv has no rows.']);
  });
});

describe('a schema', () => {
  const schema = {
    type: 'object',
    properties: { stars: { type: 'integer' }, tags: { type: 'array', items: { $ref: '#/$defs/tag' } } },
    required: ['stars', 'tags'],
    additionalProperties: false,
    $defs: { tag: { type: 'object', properties: {}, additionalProperties: false } },
  };
  const data = 'a\nx\n';

  it('goes where the endpoint expects it', async () => {
    const body = async (template: object, endpoint: string) =>
      (await prepared({ data, template, endpoint, schema })).rows[0]?.body;
    expect(await body(chat('{{a}}'), 'chat/completions')).toMatchObject({
      response_format: { type: 'json_schema', json_schema: { name: 'my_answer', strict: true, schema } },
    });
    expect(await body({ model: 'm', input: '{{a}}', text: { verbosity: 'low' } }, 'responses')).toMatchObject(
      {
        text: { verbosity: 'low', format: { type: 'json_schema', name: 'my_answer', strict: true, schema } },
      },
    );
  });

  it('has no places', async () => {
    const described = { ...schema, description: 'Not {{a}}, {{{a}}} or {{{{' };
    const { rows } = await prepared({ data, template: '{{a}}', schema: described });
    expect(rows[0]?.body).toMatchObject({ response_format: { json_schema: { schema: described } } });
  });

  it("may be wrapped as in OpenAI's documentation, and need not be strict", async () => {
    const loose = { type: 'object', properties: { a: { type: 'string' } } };
    const wrapped = { name: 'opinion', strict: false, schema: loose };
    const { rows } = await prepared({ data, template: '{{a}}', schema: wrapped });
    expect(rows[0]?.body).toMatchObject({ response_format: { json_schema: wrapped } });
  });

  it.each([
    [{ type: 'array' }, 'must have "type": "object" at its top'],
    [{ type: 'object', properties: {} }, '# must have "additionalProperties": false'],
    [{ ...schema, required: ['tags'] }, '# must list "stars" in "required"'],
    [
      { ...schema, $defs: { tag: { type: ['object', 'null'] } } },
      '#/$defs/tag must have "additionalProperties": false',
    ],
    ['text', 'must be a JSON Schema, an object'],
  ])('%j is refused, because OpenAI would refuse each row', async (bad, message) => {
    const [sentence] = await refused({ data, template: '{{a}}', schema: bad });
    expect(sentence).toContain(message);
  });

  it('is refused where the template has one, and for other endpoints', async () => {
    const twice = { ...chat('{{a}}'), response_format: { type: 'json_object' } };
    expect(await refused({ data, template: twice, schema })).toEqual([
      expect.stringContaining('response_format already'),
    ]);
    const formatted = { model: 'm', input: '{{a}}', text: { format: { type: 'text' } } };
    expect(await refused({ data, template: formatted, endpoint: 'responses', schema })).toEqual([
      expect.stringContaining('text.format already'),
    ]);
    const vectors = { model: 'm', input: '{{a}}' };
    expect(await refused({ data, template: vectors, endpoint: 'embeddings', schema })).toEqual([
      expect.stringContaining('not with /v1/embeddings'),
    ]);
  });
});
