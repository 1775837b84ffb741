import { describe, expect, it } from 'vitest';
import { givenIn, vectorsIn } from '../../../functions/shared/flat-results/given.ts';

const lineOf = (body: unknown) => JSON.stringify({ custom_id: 'a', response: { status_code: 200, body } });
const given = (body: unknown) => givenIn(body, lineOf(body));
const NOTHING = { text: null, refusal: null, toolCalls: null, finishReason: null, choices: 1 };

describe('what a model answered', () => {
  it.each<[string, unknown, object]>([
    ['nothing', null, {}],
    ['a text as the whole body', 'yes', { text: 'yes' }],
    ['another body', { results: [] }, { text: '{"results":[]}', isWholeBody: true }],
    ['no choice', { choices: [] }, { choices: 0 }],
    ['a choice that is none', { choices: ['x', null] }, { choices: 2 }],
    ['an empty choice', { choices: [{}] }, {}],
    [
      'the choice of index 0',
      {
        choices: [
          { index: 1, text: 'b' },
          { index: 0, text: 'a' },
        ],
      },
      { text: 'a', choices: 2 },
    ],
    [
      'the first choice, if none has an index',
      { choices: [{ text: 'a' }, { text: 'b' }] },
      { text: 'a', choices: 2 },
    ],
    ['an empty text', { choices: [{ message: { content: '' } }] }, { text: '' }],
    ['a list without texts', { choices: [{ message: { content: [{ type: 'image' }, null] } }] }, {}],
    [
      'a refusal',
      { choices: [{ message: { refusal: 'No.' }, finish_reason: 'stop' }] },
      { refusal: 'No.', finishReason: 'stop' },
    ],
    [
      'an empty refusal',
      { choices: [{ message: { content: 'x', refusal: '' }, finish_reason: '' }] },
      { text: 'x' },
    ],
    [
      'a call of a tool',
      { choices: [{ message: { tool_calls: [{ id: 'c' }] } }] },
      { toolCalls: [{ id: 'c' }] },
    ],
    [
      'a call of a function',
      { choices: [{ message: { function_call: { name: 'f' } } }] },
      { toolCalls: { name: 'f' } },
    ],
    ['no call of a tool', { choices: [{ message: { tool_calls: [] } }] }, {}],
    ['an empty response', { output: [] }, {}],
    ['a message without a type', { output: [{ content: [{ text: 'a' }, { text: 'b' }] }] }, { text: 'ab' }],
    ['a message without a content', { output: [{ type: 'message', content: 'x' }, null] }, {}],
    ['only reasoning', { output: [{ type: 'reasoning', content: [{ text: 'hm' }] }] }, {}],
    [
      'a text and a refusal',
      {
        output: [
          { type: 'message', content: [{ text: 'a' }, { refusal: 'No', text: 'b' }, { refusal: '.' }] },
        ],
        status: 'completed',
      },
      { text: 'a', refusal: 'No.', finishReason: 'completed' },
    ],
    [
      'a response that is incomplete',
      { output: [], status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } },
      { finishReason: 'max_output_tokens' },
    ],
    [
      'a call of a built-in tool',
      { output: [{ type: 'web_search_call' }, { type: 'call' }] },
      { toolCalls: [{ type: 'web_search_call' }] },
    ],
  ])('%s', (_, body, expected) => {
    expect(given(body)).toEqual({ ...NOTHING, ...expected });
  });
});

describe('the vectors of a response', () => {
  it.each([
    ['one', { data: [{ embedding: [1, 2] }] }, '[1,2]'],
    ['several', { data: [{ embedding: [1] }, { embedding: [2] }] }, '[[1],[2]]'],
    ['one in base64', { data: [{ embedding: 'AACAPw==' }] }, '"AACAPw=="'],
    ['one that is missing', { data: [{ embedding: [1] }, 'x'] }, '[[1],null]'],
    ['none', { data: [] }, '[]'],
    ['an entry without a vector', { data: [{}] }, 'null'],
    ['a number', { data: [{ embedding: 7 }] }, 'null'],
    ['no list', { data: {} }, 'null'],
    ['no body', null, 'null'],
  ])('%s', (_, body, expected) => {
    expect(JSON.stringify(vectorsIn(lineOf(body)))).toBe(expected);
  });
});
