import { describe, expect, it } from 'vitest';
import {
  type RowTokens,
  ScannedTokens,
  tokensIn,
} from '../../../functions/shared/result-lines/row-tokens.ts';
import { LineScanner } from '../../../functions/shared/scanner/line-scanner.ts';
import { RESULT_LINE } from '../../../functions/shared/scanner/line-shapes.ts';
import { scannerModule } from '../../../functions/shared/scanner/scanner-module.ts';

/** Returns what the scanner says of the tokens of a response with this body. */
function scannedTokens(body: object): RowTokens | 'unsure' | undefined {
  const module = scannerModule();
  if (!module) throw new Error('this machine cannot run the scanner');
  let found: RowTokens | 'unsure' | undefined;
  const handler = {
    scanned: (line: Parameters<ScannedTokens['of']>[0]) => {
      const tokens = new ScannedTokens(scanner.slots).of(line);
      found = typeof tokens === 'object' ? { ...tokens } : tokens;
    },
    overlong() {},
  };
  const scanner: LineScanner<keyof typeof RESULT_LINE.paths> = new LineScanner(module, RESULT_LINE, handler, {
    longest: 100_000,
  });
  scanner.push(Buffer.from(`${JSON.stringify({ custom_id: 'a', response: { status_code: 200, body } })}\n`));
  scanner.end();
  return found;
}

const NONE = { cachedInput: 0, cacheWrites: 0, reasoning: 0, media: 0 };

const CLEAN: [string, object, object | undefined][] = [
  [
    'in the words of chat completions',
    {
      model: 'm',
      usage: {
        ...{ prompt_tokens: 100, completion_tokens: 20 },
        prompt_tokens_details: { cached_tokens: 1, cache_write_tokens: 2, audio_tokens: 4 },
        completion_tokens_details: { reasoning_tokens: 8, audio_tokens: 16 },
      },
    },
    { model: 'm', input: 100, output: 20, cachedInput: 1, cacheWrites: 2, reasoning: 8, media: 20 },
  ],
  [
    'in the words of responses',
    {
      model: 'm',
      usage: {
        ...{ input_tokens: 100, output_tokens: 20 },
        input_tokens_details: { cached_tokens: 1, cache_write_tokens: 2, image_tokens: 4 },
        output_tokens_details: { reasoning_tokens: 8 },
      },
    },
    { model: 'm', input: 100, output: 20, cachedInput: 1, cacheWrites: 2, reasoning: 8, media: 4 },
  ],
  [
    'without details',
    { model: 'm', usage: { prompt_tokens: 7, completion_tokens: 0 } },
    { model: 'm', input: 7, output: 0, ...NONE },
  ],
  [
    'with details of null',
    { usage: { prompt_tokens: 7, completion_tokens: 3, prompt_tokens_details: { cached_tokens: null } } },
    { model: undefined, input: 7, output: 3, ...NONE },
  ],
  [
    'with an input only',
    { model: '', usage: { input_tokens: 7 } },
    { model: undefined, input: 7, output: 0, ...NONE },
  ],
  [
    'with an output only',
    { usage: { output_tokens: 7 } },
    { model: undefined, input: 0, output: 7, ...NONE },
  ],
  ['without tokens', { model: 'm', usage: {} }, undefined],
  ['with tokens of null', { model: 'm', usage: { prompt_tokens: null, completion_tokens: null } }, undefined],
  ['without a usage', { model: 'm' }, undefined],
];

const UNSURE: [string, object, object | undefined][] = [
  ['with a negative count', { usage: { prompt_tokens: -1, completion_tokens: 3 } }, { input: 0, output: 3 }],
  ['with a fraction', { usage: { prompt_tokens: 1.5, completion_tokens: 3 } }, { input: 0, output: 3 }],
  ['with a text', { usage: { prompt_tokens: '7', completion_tokens: 3 } }, { input: 0, output: 3 }],
  ['with a count of ten digits', { usage: { prompt_tokens: 1234567890 } }, { input: 1_234_567_890 }],
  ['with an escaped name', { model: 'a"b', usage: { prompt_tokens: 1 } }, { model: 'a"b' }],
];

describe('the tokens of a row', () => {
  it.each(CLEAN)('are read %s, and its line needs no parsing', (_, body, expected) => {
    expect(tokensIn({ body })).toEqual(expected);
    expect(scannedTokens(body)).toEqual(expected);
  });

  it.each(UNSURE)('are read %s, and its line has to be parsed', (_, body, expected) => {
    expect(tokensIn({ body })).toMatchObject(expected ?? {});
    expect(scannedTokens(body)).toBe('unsure');
  });

  it.each([undefined, null, [], { body: null }, { body: [] }, { body: { usage: 'x' } }])(
    'are none in %j',
    (response) => {
      expect(tokensIn(response)).toBeUndefined();
    },
  );

  it('have a model of bounded length', () => {
    const body = { model: `${'m'.repeat(99)}😀`, usage: { prompt_tokens: 1 } };
    expect(tokensIn({ body })?.model).toBe(`${'m'.repeat(99)}\ufffd`);
  });
});
