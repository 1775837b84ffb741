import { describe, expect, it } from 'vitest';
import { Prices } from '../../../functions/shared/domain/money/prices.ts';
import { csvRow } from '../../../functions/shared/flat-results/csv.ts';
import { chatRequest, chatResult, resultOf, schemaOf, tableOf } from './sample-lines.ts';

const REVIEW = schemaOf({
  mood: { type: 'string', enum: ['good', 'bad'] },
  stars: { type: 'integer' },
  score: { type: 'number' },
  urgent: { type: 'boolean' },
  tags: { type: 'array', items: { type: 'string' } },
  note: { type: ['string', 'null'] },
});

const LONG_PRICES = new Prices(
  [
    {
      ...{ currency: 'USD', date: '2026-11-29', source: 'this test' },
      models: [
        {
          ids: ['long'],
          prices: [{ input: '1', output: '2', long: { above: 1_000, input: '3', output: '5' } }],
        },
      ],
    },
  ],
  Date.UTC(2026, 10, 29),
  0,
);

describe('the table of results', () => {
  it('has a column of the right type for each property that the schema asks for', async () => {
    const answer = { mood: 'good', stars: 5, score: 0.5, urgent: false, tags: ['a', 'b'], note: null };
    const { table, rows, misfits } = await tableOf({
      requests: [chatRequest('r-1', REVIEW)],
      output: [chatResult('r-1', JSON.stringify(answer))],
    });
    expect(table.columns.slice(0, 7)).toEqual([
      { name: 'custom_id', type: 'text' },
      { name: 'mood', type: 'text' },
      { name: 'stars', type: 'integer' },
      { name: 'score', type: 'number' },
      { name: 'urgent', type: 'boolean' },
      { name: 'tags', type: 'json' },
      { name: 'note', type: 'text' },
    ]);
    expect(rows).toEqual([expect.objectContaining({ custom_id: 'r-1', ...answer, outcome: 'succeeded' })]);
    expect(misfits.count).toBe(0);
  });

  it('has tokens and the exact cost of each row', async () => {
    const { rows, cells } = await tableOf({
      requests: [chatRequest('r-1')],
      output: [chatResult('r-1', 'yes')],
    });
    expect(rows[0]).toMatchObject({ model: 'gpt-4o-mini-2024-07-18', input_tokens: 100, output_tokens: 20 });
    // 100 tokens at $0.15 and 20 at $0.60 per million, half price
    expect(csvRow(cells[0] ?? [], { forSpreadsheets: false })).toMatch(/,100,0,20,0\.0000135\n$/);
  });

  it('has the price of a long input above its threshold, and not at it', async () => {
    const usage = (prompt: number) => ({ prompt_tokens: prompt, completion_tokens: 10 });
    const answer = (id: string, prompt: number) =>
      resultOf(id, { model: 'long', choices: [{ message: { content: 'x' } }], usage: usage(prompt) });
    const { rows } = await tableOf({
      requests: [chatRequest('a'), chatRequest('b')],
      output: [answer('a', 1_000), answer('b', 1_001)],
      prices: LONG_PRICES,
    });
    // 1,000 × 1 + 10 × 2, and 1,001 × 3 + 10 × 5, in millionths
    expect(rows.map(({ cost }) => cost)).toEqual([JSON.rawJSON('0.00102'), JSON.rawJSON('0.003053')]);
  });

  it('has one row for each request in the order of the request file, whichever file has its result', async () => {
    const ids = ['a', 'b', 'c', 'd'];
    const { rows, table } = await tableOf({
      requests: ids.map((id) => chatRequest(id)),
      output: [chatResult('b', 'B'), chatResult('d', 'D')],
      errors: [
        resultOf('a', { error: { code: 'invalid_value', message: 'no such model' } }, 400),
        {
          id: null,
          custom_id: 'c',
          response: null,
          error: { code: 'batch_expired', message: 'too late' },
          attempts: 3,
        },
      ],
    });
    expect(rows).toMatchObject([
      {
        custom_id: 'a',
        outcome: 'failed',
        answer: null,
        error_code: 'invalid_value',
        error_message: 'no such model',
      },
      { custom_id: 'b', outcome: 'succeeded', answer: 'B', error_code: null },
      {
        custom_id: 'c',
        outcome: 'failed',
        answer: null,
        error_code: 'batch_expired',
        error_message: 'too late',
      },
      { custom_id: 'd', outcome: 'succeeded', answer: 'D' },
    ]);
    expect(table.counts).toMatchObject({ rows: 4, succeeded: 2, misfits: { count: 0 } });
  });

  it('says of a request that neither file has a line for it', async () => {
    const { rows } = await tableOf({
      requests: [chatRequest('a'), chatRequest('b')],
      output: [chatResult('b', 'B')],
    });
    expect(rows).toMatchObject([{ outcome: 'failed', error_code: 'no_result' }, { outcome: 'succeeded' }]);
  });

  it('refuses results that match no request, so that none is left out of the table', async () => {
    const files = { requests: [chatRequest('a')], output: [chatResult('a', 'A'), chatResult('b', 'B')] };
    await expect(tableOf(files)).rejects.toThrow('output.jsonl has a line that matches no request');
  });

  it('has the columns of all schemas of a file, and those of text for other rows', async () => {
    const { names, rows, misfits } = await tableOf({
      requests: [
        chatRequest('one', schemaOf({ mood: { type: 'string' }, n: { type: 'integer' } })),
        chatRequest('two', schemaOf({ n: { type: 'number' }, mood: { type: 'integer' } })),
        chatRequest('three'),
      ],
      output: [
        chatResult('one', '{"mood":"a","n":1}'),
        chatResult('two', '{"n":1.5,"mood":2}'),
        chatResult('three', '{"n":1}'),
      ],
    });
    expect(names.slice(0, 4)).toEqual(['custom_id', 'mood', 'n', 'answer']);
    expect(rows).toMatchObject([
      { mood: JSON.rawJSON('"a"'), n: 1, answer: null }, // a column of several types has JSON texts
      { mood: 2, n: 1.5, answer: null },
      { mood: null, n: null, answer: '{"n":1}' },
    ]);
    expect(misfits.count).toBe(0);
  });
});

describe('a misfit', () => {
  it.each([
    ['text, not a whole number', '{"n":"five"}', 'n is a text, not a whole number'],
    ['a fraction', '{"n":1.5}', 'n is a number, not a whole number'],
    ['null', '{"n":null}', 'n is null'],
    ['missing', '{}', 'n is missing'],
    ['an object', '{"n":{"v":1}}', 'n is an object, not a whole number'],
    ['a list', '{"n":[1]}', 'n is a list, not a whole number'],
    ['a property that nobody asked for', '{"n":1,"m":2}', 'undefined the table has no column for "m"'],
    ['cut off', '{"n":', 'undefined the answer is not JSON (finish reason: stop)'],
    ['a list instead of the object', '[1]', 'undefined the answer is a list, not an object'],
    ['no object', '12345678901234567890', 'undefined the answer is a whole number, not an object'],
    ['no text', null, 'undefined the answer has no text (finish reason: stop)'],
  ])('is an empty cell that is counted and listed: %s', async (_name, content, listed) => {
    const { misfits, rows } = await tableOf({
      requests: [chatRequest('r-1', schemaOf({ n: { type: 'integer' } }))],
      output: [chatResult('r-1', content)],
    });
    expect(misfits.first.map(({ customId, column, reason }) => `${customId}: ${column} ${reason}`)).toEqual([
      `r-1: ${listed}`,
    ]);
    expect(rows[0]?.n ?? null).toBe(listed.includes('no column') ? 1 : null);
  });

  it('is listed ten times and counted as often as it occurs', async () => {
    const ids = Array.from({ length: 25 }, (_, at) => `r-${at}`);
    const { misfits } = await tableOf({
      requests: ids.map((id) => chatRequest(id, schemaOf({ n: { type: 'integer' } }))),
      output: ids.map((id) => chatResult(id, '{"n":true}')),
    });
    expect([misfits.count, misfits.first.length]).toEqual([25, 10]);
  });

  it('is half of a surrogate pair, which becomes U+FFFD in a text and stays escaped in nested values', async () => {
    const { rows, misfits } = await tableOf({
      requests: [chatRequest('r-1', schemaOf({ text: { type: 'string' }, list: { type: 'array' } }))],
      output: [chatResult('r-1', '{"text":"a\\ud83d","list":["\\ud83d","\\ud83d\\ude00"]}')],
    });
    expect(rows[0]).toMatchObject({ text: 'a\ufffd', list: ['\ud83d', '😀'] });
    expect(misfits.first).toMatchObject([{ column: 'text', reason: expect.stringContaining('surrogate') }]);
  });
});

describe('an answer', () => {
  it('keeps every digit of a number, also in nested values', async () => {
    const text = '{"n":9007199254740993,"list":[12345678901234567890,0.10,1e400],"x":0.1234567890123456789}';
    const { cells, names } = await tableOf({
      requests: [
        chatRequest(
          'r-1',
          schemaOf({ n: { type: 'integer' }, list: { type: 'array' }, x: { type: 'number' } }),
        ),
      ],
      output: [chatResult('r-1', text)],
    });
    expect(names.slice(1, 4)).toEqual(['n', 'list', 'x']);
    expect(csvRow(cells[0]?.slice(1, 4) ?? [], { forSpreadsheets: true })).toBe(
      '9007199254740993,"[12345678901234567890,0.1,1e400]",0.1234567890123456789\n',
    );
  });

  it('may be a refusal, which is no misfit', async () => {
    const { rows, misfits } = await tableOf({
      requests: [chatRequest('r-1', REVIEW)],
      output: [chatResult('r-1', null, { refusal: 'I cannot help with that.' })],
    });
    expect(rows[0]).toMatchObject({ outcome: 'succeeded', refusal: 'I cannot help with that.', mood: null });
    expect(misfits.count).toBe(0);
  });

  it('may be a call of tools, whose column exists if requests have tools', async () => {
    const calls = [{ id: 'call_1', type: 'function', function: { name: 'find', arguments: '{"q":1}' } }];
    const { rows, misfits } = await tableOf({
      requests: [chatRequest('r-1', REVIEW, { tools: [{ type: 'function', function: { name: 'find' } }] })],
      output: [chatResult('r-1', null, { tool_calls: calls })],
    });
    expect(rows[0]).toMatchObject({ tool_calls: calls, mood: null });
    expect(misfits.count).toBe(0);
  });

  it('that calls a tool nobody offered is a misfit, because there is no column for it', async () => {
    const { misfits } = await tableOf({
      requests: [chatRequest('r-1', REVIEW)],
      output: [chatResult('r-1', null, { tool_calls: [{ id: 'call_1' }] })],
    });
    expect(misfits).toMatchObject({
      count: 1,
      first: [{ reason: 'the table has no column for calls of tools' }],
    });
  });

  it('is the first one of several, which is counted', async () => {
    const choice = (index: number, content: string) => ({
      index,
      message: { content },
      finish_reason: 'stop',
    });
    const { rows, table } = await tableOf({
      requests: [chatRequest('r-1', undefined, { n: 2 })],
      output: [resultOf('r-1', { choices: [choice(1, 'second'), choice(0, 'first')] })],
    });
    expect(rows[0]).toMatchObject({ answer: 'first', input_tokens: null, cost: null });
    expect(table.counts.rowsWithMoreAnswers).toBe(1);
  });

  it('of chat completions may be a list of parts', async () => {
    const parts = [
      { type: 'text', text: 'a' },
      { type: 'text', text: 'b' },
    ];
    const { rows } = await tableOf({
      requests: [chatRequest('r-1')],
      output: [resultOf('r-1', { choices: [{ message: { content: parts } }] })],
    });
    expect(rows[0]).toMatchObject({ answer: 'ab' });
  });

  it('of responses is the text of its messages, with the schema of text.format', async () => {
    const format = { type: 'json_schema', name: 'x', schema: schemaOf({ mood: { type: 'string' } }) };
    const request = {
      custom_id: 'r-1',
      url: '/v1/responses',
      body: { text: { format }, tools: [{ type: 'web_search' }] },
    };
    const { rows, names } = await tableOf({
      requests: [request],
      output: [
        resultOf('r-1', {
          model: 'gpt-4o-mini',
          status: 'completed',
          output: [
            { type: 'reasoning', summary: [], content: [{ type: 'reasoning_text', text: 'hm' }] },
            { type: 'function_call', name: 'find', arguments: '{}' },
            {
              type: 'message',
              content: [
                { type: 'output_text', text: '{"mood":' },
                { type: 'output_text', text: '"good"}' },
              ],
            },
          ],
          usage: { input_tokens: 7, input_tokens_details: { cached_tokens: 4 }, output_tokens: 3 },
        }),
      ],
    });
    expect(names).not.toContain('answer');
    expect(rows[0]).toMatchObject({
      mood: 'good',
      tool_calls: [{ type: 'function_call', name: 'find', arguments: '{}' }],
      ...{ finish_reason: 'completed', input_tokens: 7, cached_input_tokens: 4, output_tokens: 3 },
    });
  });

  it('of responses may be a refusal or incomplete', async () => {
    const request = { custom_id: 'r-1', url: '/v1/responses', body: {} };
    const { rows } = await tableOf({
      requests: [request, { ...request, custom_id: 'r-2' }],
      output: [
        resultOf('r-1', {
          status: 'completed',
          output: [{ type: 'message', content: [{ type: 'refusal', refusal: 'no' }] }],
        }),
        resultOf('r-2', {
          status: 'incomplete',
          incomplete_details: { reason: 'max_output_tokens' },
          output: [{ type: 'message', content: [{ type: 'output_text', text: 'cut' }] }],
        }),
      ],
    });
    expect(rows).toMatchObject([
      { answer: null, refusal: 'no', finish_reason: 'completed' },
      { answer: 'cut', refusal: null, finish_reason: 'max_output_tokens' },
    ]);
  });

  it('of completions is their text', async () => {
    const { rows } = await tableOf({
      requests: [{ custom_id: 'r-1', url: '/v1/completions', body: {} }],
      output: [resultOf('r-1', { choices: [{ text: 'once', index: 0, finish_reason: 'length' }] })],
    });
    expect(rows[0]).toMatchObject({ answer: 'once', finish_reason: 'length' });
  });

  it('of embeddings is its vector, digit for digit, or a list of vectors for several inputs', async () => {
    const request = (id: string) => ({ custom_id: id, url: '/v1/embeddings', body: { input: 'x' } });
    const vectors = (id: string, list: string) =>
      `{"id":"1","custom_id":"${id}","response":{"status_code":200,"body":{"data":${list},"model":"m"}},"error":null}`;
    const { cells, names } = await tableOf({
      requests: [request('a'), request('b'), request('c')],
      output: [
        vectors('a', '[{"embedding":[0.12345678901234567891,-1e-400]}]'),
        vectors('b', '[{"embedding":[1]},{"embedding":[2]}]'),
        vectors('c', '[{"embedding":"AACAPw=="}]'),
      ],
    });
    const at = names.indexOf('embedding');
    expect(names).not.toContain('answer');
    expect(cells.map((row) => csvRow([row[at] ?? null], { forSpreadsheets: false }))).toEqual([
      '"[0.12345678901234567891,-1e-400]"\n',
      '"[[1],[2]]"\n',
      'AACAPw==\n',
    ]);
  });

  it('of embeddings without a vector is a misfit; so it is not in a row that failed', async () => {
    const request = (id: string) => ({ custom_id: id, url: '/v1/embeddings', body: { input: 'x' } });
    const { rows, misfits } = await tableOf({
      requests: [request('a'), request('b'), request('c')],
      output: [resultOf('a', { data: [{ embedding: [1] }] }), resultOf('b', { data: [] })],
      errors: [resultOf('c', { error: { code: 'invalid_value', message: 'm' } }, 400)],
    });
    expect(rows).toMatchObject([{ embedding: [expect.anything()] }, { embedding: [] }, { embedding: null }]);
    expect(misfits).toEqual({ count: 0, first: [] });
    const bare = await tableOf({ requests: [request('a')], output: [resultOf('a', { data: 'none' })] });
    expect(bare.rows[0]).toMatchObject({ outcome: 'succeeded', embedding: null });
    expect(bare.misfits.first).toEqual([{ customId: 'a', column: 'embedding', reason: 'is missing' }]);
  });

  it('of any other endpoint is its whole body as JSON', async () => {
    const { rows } = await tableOf({
      requests: [{ custom_id: 'r-1', url: '/v1/moderations', body: {} }],
      output: [resultOf('r-1', { results: [{ flagged: true }] })],
    });
    expect(rows[0]).toMatchObject({ answer: '{"results":[{"flagged":true}]}' });
  });
});

describe('the columns', () => {
  it('are at most 500, with names of 20,000 characters, and the other values are misfits', async () => {
    const many = Object.fromEntries(Array.from({ length: 501 }, (_, at) => [`p${at}`, { type: 'integer' }]));
    const long = Object.fromEntries(['a', 'b', 'c'].map((letter) => [letter.repeat(9_000), {}]));
    for (const [properties, columns] of [
      [many, 500],
      [long, 2],
    ] as const) {
      const values = Object.fromEntries(Object.keys(properties).map((name) => [name, 1]));
      const { names, misfits } = await tableOf({
        requests: [chatRequest('r-1', schemaOf(properties))],
        output: [chatResult('r-1', JSON.stringify(values))],
      });
      expect(names.length).toBe(columns + 11);
      expect(misfits.count).toBe(1);
      expect(JSON.stringify(misfits).length).toBeLessThan(300);
    }
  });
});

describe('the names of columns', () => {
  it('get a prefix where the table has them already, also in other capitals', async () => {
    const { names } = await tableOf({
      requests: [
        chatRequest('r-1', schemaOf({ Model: {}, answer_model: {}, cost: {}, '': {}, __proto__x: {} })),
      ],
      output: [chatResult('r-1', '{"Model":1,"answer_model":2,"cost":3,"":4,"__proto__x":5}')],
    });
    expect(names.slice(1, 6)).toEqual([
      'answer_Model',
      'answer_answer_model',
      'answer_cost',
      'answer_',
      '__proto__x',
    ]);
    expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(names.length);
  });
});
