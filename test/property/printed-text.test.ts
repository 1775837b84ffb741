import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { forecastLines } from '../../bin/jobs/dry-run.ts';
import { escapeControlCharacters, printableJson } from '../../bin/terminal/escape-control-characters.ts';
import { eventLine } from '../../bin/terminal/event-line.ts';
import { Failure, failureLines } from '../../bin/terminal/failure.ts';
import { welcome } from '../../bin/up/welcome.ts';
import type { JobEstimate } from '../../functions/shared/contract/events.ts';
import {
  approvalOutcomeExamples,
  batchStatusExamples,
  cancelOutcomeExamples,
  jobStatusExamples,
} from '../../functions/shared/contract/examples.ts';

/** Given by number and not by property name, which the code uses. */
const HOSTILE_RANGES = [
  [0x00, 0x1f], // C0
  [0x7f, 0x9f], // DEL, C1
  [0xad, 0xad], // soft hyphen
  [0x61c, 0x61c], // Arabic letter mark
  [0x115f, 0x1160], // Hangul fillers
  [0x180b, 0x180f],
  [0x200b, 0x200f], // zero width, direction marks
  [0x2028, 0x202e], // line and paragraph separators, bidi
  [0x2060, 0x206f], // word joiner, bidi isolates
  [0x3164, 0x3164],
  [0xfe00, 0xfe0f], // variation selectors
  [0xfeff, 0xfeff],
  [0xfff9, 0xfffb],
  [0xe0001, 0xe0001],
  [0xe0020, 0xe007f], // tags
  [0xe0100, 0xe01ef],
] as const;

const isHostile = (character: string) => {
  const code = character.codePointAt(0) ?? 0;
  const isHalf = code >= 0xd800 && code <= 0xdfff;
  return isHalf || HOSTILE_RANGES.some(([first, last]) => code >= first && code <= last);
};
const SGR = new RegExp(`${String.fromCharCode(27)}\\[\\d*m`, 'g');
/** Returns the characters that a terminal would obey, except for the colours that the CLI adds. */
const hostileIn = (printed: string) => Array.from(printed.replaceAll(SGR, '')).filter(isHostile);

const hostileCharacter = fc
  .oneof(...HOSTILE_RANGES.map(([min, max]) => fc.integer({ min, max })))
  .map((code) => String.fromCodePoint(code));
const hostile = fc
  .tuple(fc.string({ maxLength: 4 }), hostileCharacter, fc.string({ unit: 'binary', maxLength: 6 }))
  .map((parts) => parts.join(''));

/** Returns the value with every text in it replaced, including names that are not in the contract. */
function poisoned(value: unknown, text: string): unknown {
  if (typeof value === 'string') return `${value}${text}`;
  if (Array.isArray(value)) return value.map((each) => poisoned(each, text));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, poisoned(each, text)]));
}

const { data: ACCEPTED } = jobStatusExamples.accepted.detail;
const ESTIMATE =
  (ACCEPTED.status === 'accepted' && ACCEPTED.estimate) || expect.fail('the example has no estimate');

/** The estimate with models and dates of this text, and no known price. */
function poisonedEstimate(estimate: JobEstimate, text: string): JobEstimate {
  const first = estimate.models.first.map((model) => ({
    ...model,
    ...{ model: text, priceDate: text },
    ...(estimate.cost ? {} : { price: 'unknown' as const }),
  }));
  return { ...estimate, models: { count: 1, first } };
}

describe('printed text from others', () => {
  it('has no character that a terminal obeys or hides, and keeps all others', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), hostile, fc.string(), (harmless, poison, plain) => {
        for (const text of [harmless, poison, harmless + poison]) {
          const printed = escapeControlCharacters(text);
          expect(hostileIn(printed)).toEqual([]);
        }
        expect(escapeControlCharacters(plain)).toBe(plain);
      }),
      { numRuns: 2_000, examples: [['a', '\u202e', 'b']] },
    );
    for (const plain of ['orders.jsonl', 'Zürich 東京 한국어 עברית नमस्ते 💡', 'a\\b "c" ~']) {
      expect(escapeControlCharacters(plain)).toBe(plain);
    }
    expect(escapeControlCharacters('a\u202eb\u0007\n\u{e0041}\u009b')).toBe(
      'a\\u202eb\\u0007\\n\\udb40\\udc41\\u009b',
    );
  });

  it.each(HOSTILE_RANGES.map(([first, last]) => [first.toString(16), first, last] as const))(
    'has no character of the range from U+%s',
    (_, first, last) => {
      for (let code = first; code <= last; code += 1) {
        expect(hostileIn(escapeControlCharacters(`a${String.fromCodePoint(code)}b`))).toEqual([]);
      }
    },
  );

  it('as JSON is the same value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), hostile, (value, poison) => {
        const whole = { [poison]: poisoned(value, poison) };
        for (const indent of [undefined, 2]) {
          const printed = printableJson(whole, indent);
          expect(hostileIn(printed.replaceAll('\n', ''))).toEqual([]);
          expect(JSON.parse(printed)).toEqual(JSON.parse(JSON.stringify(whole)));
        }
      }),
    );
  });

  it('is one line for each event, whatever its fields contain', () => {
    const all = [batchStatusExamples, jobStatusExamples, cancelOutcomeExamples, approvalOutcomeExamples];
    const examples = all.flatMap((each) =>
      Object.values<{ readonly source: string; readonly 'detail-type': string; readonly detail: object }>(
        each,
      ),
    );
    expect(examples.length).toBeGreaterThan(15);
    fc.assert(
      fc.property(hostile, (poison) => {
        for (const event of examples) {
          const line = eventLine({ ...event, detail: Object(poisoned(event.detail, poison)) });
          expect(hostileIn(line ?? '')).toEqual([]);
        }
        for (const event of examples) {
          const detail = Object(structuredClone(event.detail));
          detail.metadata.occurredAt = poison; // the only text that is printed in part
          expect(hostileIn(eventLine({ ...event, detail }) ?? '')).toEqual([]);
        }
      }),
      { numRuns: 100 },
    );
  });

  it('is one line for each error, and for each line below it', () => {
    fc.assert(
      fc.property(hostile, hostile, (message, below) => {
        const refused = Object.assign(new Error(message), { code: 'ECONNREFUSED' });
        const denied = Object.assign(new Error(message), { name: 'AccessDeniedException' });
        const errors = [
          new Error(message),
          refused,
          denied,
          message,
          new Failure(message, { lines: [below, below] }),
        ];
        for (const error of errors) {
          const lines = failureLines(error);
          expect(lines).toHaveLength(error instanceof Failure ? 3 : 1);
          expect(lines.flatMap(hostileIn)).toEqual([]);
        }
      }),
    );
  });

  it('is one line for each finding of a dry run', () => {
    fc.assert(
      fc.property(hostile, (poison) => {
        const known = { file: poison, key: poison, bytes: 1 };
        const findings = [
          { line: 1, code: 'not_json' as const, message: poison },
          { line: null, code: 'not_json' as const, message: poison },
        ];
        const part = { endpoint: poison, model: poison, rows: 1, bytes: 1 };
        const estimates = [
          poisonedEstimate(ESTIMATE, poison),
          poisonedEstimate({ ...ESTIMATE, cost: null }, poison),
        ];
        const bad = forecastLines({ ...known, verdict: 'bad', count: 2, findings: Object(findings) });
        const parts = [part, { ...part, model: 'm' }];
        const good = estimates.map((estimate) =>
          forecastLines({ ...known, verdict: 'good', rows: 2, parts, estimate }),
        );
        expect(bad).toHaveLength(3);
        expect(good.map(({ length }) => length)).toEqual([5, 5]);
        expect([...bad, ...good.flat()].flatMap(hostileIn)).toEqual([]);
      }),
    );
  });

  it('does not change the number of lines in the welcome text', () => {
    const named = (text: string) => ({
      ...{
        url: text,
        pid: 1,
        openAiUrl: text,
        requestBucket: text,
        resultsBucket: text,
        cancelQueueUrl: text,
        approvalQueueUrl: text,
      },
      ...{ eventBus: text, instance: text, ledgerTable: text },
    });
    const shown = (text: string) => {
      const batchdrops = ['one', 'two'].map(() => ({
        ...named(text),
        stack: text,
        construct: text,
        consoleUrl: text,
      }));
      return welcome(named(text), { data: text, batchdrops, isPaid: true, speed: 1 }).split('\n');
    };
    fc.assert(
      fc.property(hostile, (poison) => {
        expect(shown(poison)).toHaveLength(shown('x').length);
        expect(shown(poison).flatMap(hostileIn)).toEqual([]);
      }),
    );
  });
});
