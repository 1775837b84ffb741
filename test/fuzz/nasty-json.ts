/**
 * Pieces of JSON and of nearly valid JSON, from which lines are generated. Bytes that are not UTF-8 are written as
 * Latin-1.
 */

/** Valid pieces, and pieces that a checker must reject. */
export interface Pool {
  good: readonly string[];
  bad: readonly string[];
}

/** The content of strings. */
export const STRINGS: Pool = {
  good: [
    ...['', 'a', 'plain text', '\\"', '\\\\', '\\\\\\"', '\\\\\\\\', '\\/', '\\b\\f\\n\\r\\t', '/', '{}[]:,'],
    ...[
      '\\u0000',
      '\\u0022',
      '\\u005c',
      '\\ud83d\\ude00',
      '\\ud800',
      '\\udc00',
      '\\uD83D\\u0020',
      '\\uFFFF',
      '\\uabCD',
    ],
    ...utf8(
      'é',
      'ß',
      'я',
      '한',
      '語',
      '😀',
      '\u2028',
      '\u2029',
      '\ufeff',
      '\u00a0',
      '\uffff',
      '\u{10ffff}',
      '\ud7ff',
    ),
    ...['\x7f', '\xe0\xa0\x80', '\xed\x9f\xbf', '\xee\x80\x80', '\xf0\x90\x80\x80', '\xc2\x80'],
  ],
  bad: [
    ...[
      '\\u00e',
      '\\u00g0',
      '\\u',
      '\\x41',
      "\\'",
      '\\a',
      '\\0',
      '\\',
      '\\\\\\',
      '\\U0041',
      '\\u 041',
      '"',
      '\\u12"',
    ],
    ...[
      '\xff',
      '\xfe',
      '\x80',
      '\xbf',
      '\xc0\x80',
      '\xc1\xbf',
      '\xc3',
      '\xc3(',
      '\xe2\x82',
      '\xe2(\xa1',
      '\xed\xa0\x80',
    ],
    ...[
      '\xed\xbf\xbf',
      '\xe0\x80\x80',
      '\xe0\x9f\xbf',
      '\xf0\x80\x80\x80',
      '\xf0\x8f\xbf\xbf',
      '\xf4\x90\x80\x80',
    ],
    ...[
      '\xf5\x80\x80\x80',
      '\xf0\x9f\x98',
      '\xef\xbb',
      '\xf8\x88\x80\x80\x80',
      '\x80\x80',
      '\xc3\xa9\x80',
      '\xc3\xa9\xc3',
    ],
    ...['\0', '\x01', '\x1f', '\t', '\r', '\n', '\b', '\f'],
  ],
};

export const NUMBERS: Pool = {
  good: [
    ...[
      '0',
      '-0',
      '1',
      '-1',
      '12',
      '123456789',
      '1234567890',
      '4294967296',
      '18446744073709551616',
      '0.5',
      '-0.0',
    ],
    ...[
      '1e5',
      '1E+5',
      '1e-5',
      '1e400',
      '-1e400',
      '5e-400',
      '0e0',
      '1.0',
      '200',
      '200.0',
      '2e2',
      '0.1e1',
      '1e00',
    ],
    ...['9'.repeat(30), `0.${'0'.repeat(40)}1`, `${'1'.repeat(20)}.5e-7`],
  ],
  bad: [
    ...[
      '01',
      '-01',
      '00',
      '-',
      '+1',
      '.5',
      '1.',
      '1.e1',
      '1e',
      '1e+',
      '0x10',
      '1_0',
      'NaN',
      'Infinity',
      '-Infinity',
    ],
    ...['1..0', '1 2', '1a', '2.5.1', '--1', '1-', '1e1.5'],
  ],
};

export const LITERALS: Pool = {
  good: ['true', 'false', 'null'],
  bad: ['True', 'nul', 'nulll', 'tru', 'fals', 'falsee', 'NULL', 'undefined', 't', '', 'nan'],
};

export const SPACES: Pool = {
  good: [' ', ' ', '\t', '\r', '  ', ' \t\r '],
  bad: ['\f', '\v', '\n', '\xa0', '\xc2\xa0', '\0', '\xef\xbb\xbf', ',', '/**/'],
};

export const KEYS: Pool = {
  good: [
    ...['custom_id', 'method', 'url', 'body', 'model', 'stream', 'input', 'messages', 'prompt', 'max_tokens'],
    ...[
      'max_completion_tokens',
      'max_output_tokens',
      'response',
      'status_code',
      'error',
      'code',
      'usage',
      'id',
    ],
    ...['prompt_tokens', 'completion_tokens', 'total_tokens', 'input_tokens', 'output_tokens', 'request_id'],
    ...[
      '__proto__',
      'constructor',
      'toString',
      '',
      'a',
      'custom_i',
      'custom_idx',
      'Custom_id',
      'max_completion_tokenz',
    ],
    ...['\\u0063ustom_id', 'mod\\u0065l', 'body\\u0000', 'u\\/rl', 'method ', '\xc3\xa9', 'm\\ud800'],
  ],
  bad: ['b\\ody', 'model\0', 'm\xf6del', '\\', 'a"b'],
};

/** Bytes and short sequences that mutations insert. */
export const BYTES = [
  ...[
    '"',
    '\\',
    '\\"',
    '\\\\',
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    ' ',
    '\t',
    '\r',
    '\n',
    '\0',
    '\x1f',
    '\x7f',
    '\x80',
  ],
  ...[
    '\xbf',
    '\xc2',
    '\xc3',
    '\xe0',
    '\xed\xa0\x80',
    '\xef\xbb\xbf',
    '\xf0\x9f',
    '\xf4\x90',
    '\xff',
    '-',
    '.',
    'e',
    '0',
  ],
  ...[
    '9',
    'u',
    '\\u',
    '\\ud800',
    'n',
    't',
    'true',
    'null',
    '{}',
    '[]',
    '""',
    ',,',
    '"":',
    '/',
    '\xc3\xa9',
    '\xe2\x82\xac',
  ],
];

export const LINE_ENDS = [
  '\n',
  '\n',
  '\n',
  '\r\n',
  '\n\n',
  '\r\r\n',
  ' \n',
  '\n \t\r\n',
  '\t\n',
  '\n\xef\xbb\xbf\n',
];

/** Lines of both kinds, each good or nearly good. */
export const LINES = [
  '{"custom_id":"r-1","method":"POST","url":"/v1/chat/completions","body":{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Say \\"hi\\".\\n"}],"max_tokens":5}}',
  '{"custom_id": "r-2", "method": "POST", "url": "/v1/embeddings", "body": {"model": "m", "input": ["a", "b", "c"]}}',
  '{"custom_id":"r-3","method":"POST","url":"/v1/embeddings","body":{"model":"m","input":[1,2,3]}}',
  '{"custom_id":"r-4","method":"POST","url":"/v1/embeddings","body":{"model":"m","input":[]}}',
  '{"custom_id":"r-5","method":"POST","url":"/v1/embeddings","body":{"input":[[1,2],[-3]],"model":"m"}}',
  '{"custom_id":"r-6","method":"POST","url":"/v1/embeddings","body":{"input":"a [b, c]","model":"m"}}',
  '{"body":{"model":"m","stream":true},"url":"/v1/responses","method":"POST","custom_id":"r-7"}',
  '{"body":{"stream":false,"model":"m","prompt":null,"messages":[]},"url":"/v1/completions","method":"POST","custom_id":"r-8"}',
  ...utf8(
    '{"custom_id":"ид-9","method":"POST","url":"/v1/responses","body":{"model":"模型","input":"größer 😀"}}',
    '{"custom_id":"😀","method":"POST","url":"/v1/moderations","body":{"model":"m","input":"語 語 語"}}',
  ),
  '{"custom_id":"r-10","custom_id":"r-11","method":"POST","url":"/v1/responses","body":{"model":"m"}}',
  '{"custom_id":"r-12","method":"POST","url":"/v1/responses","body":{"model":"m","model":"n"}}',
  '{"custom_id":"r-13","method":"POST","url":"/v1/responses","body":{"model":"m"},"body":{}}',
  '{"__proto__":{"custom_id":"no"},"custom_id":"r-14","method":"POST","url":"/v1/responses","body":{"__proto__":1,"model":"m"}}',
  '{"custom_id":"r-15","method":"POST","url":"/v1/responses","body":[{"model":"m"}]}',
  `{"custom_id":"r-16","method":"POST","url":"/v1/responses","body":{"model":"m","deep":${'['.repeat(40)}${']'.repeat(40)}}}`,
  '{"id":"batch_req_1","custom_id":"r-1","response":{"status_code":200,"request_id":"req_1","body":{"model":"gpt-4o-mini-2024","usage":{"prompt_tokens":10,"completion_tokens":20,"total_tokens":30},"choices":[]}},"error":null}',
  '{"custom_id":"r-2","response":{"status_code":"429","body":{"error":{"code":"rate_limit_exceeded"}}},"error":null}',
  '{"custom_id":"r-3","response":null,"error":{"code":"batch_expired","message":"This request could not be executed"}}',
  '{"custom_id":"r-4","error":{"code":503}, "response":{"status_code":0,"body":{"usage":{"input_tokens":1e3,"output_tokens":-0}}}}',
  '{"custom_id":"r-5","response":{"status_code":200,"status_code":500}}',
  ...['{"a":[1}}', '{"a":{"b":1]}', '{"a":[{]}]}', '{"a":{[}}', '{"a":[1,2]]}', '{"a":1 2}', '{"a":1}x'],
  ...[
    '{}',
    '[]',
    'null',
    '"text"',
    '1',
    '',
    ' ',
    '{"a":1}}',
    '{"a":1,}',
    '{,}',
    '[1,]',
    '{"a"}',
    '{"a":}',
    '{a:1}',
    "{'a':1}",
  ],
];

/** Returns the texts in UTF-8, with one Latin-1 character per byte. */
function utf8(...texts: string[]): string[] {
  return texts.map((text) => Buffer.from(text).toString('latin1'));
}
