/**
 * What a row's line says of the tokens that it used, in the words of chat completions (`prompt_tokens`) or of responses
 * (`input_tokens`). `ScannedTokens` says of a clean line what `tokensIn` says of its parsed response:
 * `npm run fuzz:scanner` compares both.
 */
import { NO_TOKENS, type TokenCounts } from '../domain/money/token-counts.ts';
import type { RESULT_LINE } from '../scanner/line-shapes.ts';
import { KIND, type ScannedLine } from '../scanner/scanned-line.ts';
import { hasFields } from './row-error.ts';

/** Tokens as a line reports them. */
export interface RowTokens extends TokenCounts {
  /** As the line names it; absent where it names none. */
  model?: string | undefined;
}

type Slot = keyof (typeof RESULT_LINE)['paths'];

const MAX_MODEL = 100; // characters

/** The place of each count in a list of them. */
const AT = {
  promptTokens: 0,
  inputTokens: 1,
  completionTokens: 2,
  outputTokens: 3,
  promptCached: 4,
  inputCached: 5,
  promptCacheWrites: 6,
  inputCacheWrites: 7,
  completionReasoning: 8,
  outputReasoning: 9,
  promptAudio: 10,
  completionAudio: 11,
  inputImages: 12,
} as const satisfies Partial<Record<Slot, number>>;

const COUNTS = Object.keys(AT) as (keyof typeof AT)[];

/** Stands for a count that a line does not say. */
const NONE = -1;

/** Returns the tokens that a parsed response reports; undefined when it reports none. */
export function tokensIn(response: unknown): RowTokens | undefined {
  const body = fieldsOf(fieldsOf(response).body);
  const usage = fieldsOf(body.usage);
  const [prompt, completion, input, output] = [
    fieldsOf(usage.prompt_tokens_details),
    fieldsOf(usage.completion_tokens_details),
    fieldsOf(usage.input_tokens_details),
    fieldsOf(usage.output_tokens_details),
  ];
  const said: Record<keyof typeof AT, unknown> = {
    promptTokens: usage.prompt_tokens,
    inputTokens: usage.input_tokens,
    completionTokens: usage.completion_tokens,
    outputTokens: usage.output_tokens,
    promptCached: prompt.cached_tokens,
    inputCached: input.cached_tokens,
    promptCacheWrites: prompt.cache_write_tokens,
    inputCacheWrites: input.cache_write_tokens,
    completionReasoning: completion.reasoning_tokens,
    outputReasoning: output.reasoning_tokens,
    promptAudio: prompt.audio_tokens,
    completionAudio: completion.audio_tokens,
    inputImages: input.image_tokens,
  };
  const counts = COUNTS.map((name) => countOf(said[name]));
  return filled(
    { model: undefined, ...NO_TOKENS },
    counts,
    typeof body.model === 'string' ? body.model : undefined,
  );
}

/** Reads the tokens of clean lines. It makes no object for a line, because a file has millions of them. */
export class ScannedTokens {
  readonly #slots: readonly number[];
  readonly #modelSlot: number;
  readonly #counts = COUNTS.map(() => NONE);
  readonly #tokens: RowTokens = { model: undefined, ...NO_TOKENS };

  constructor(slots: Readonly<Record<Slot, number>>) {
    this.#slots = COUNTS.map((name) => slots[name]);
    this.#modelSlot = slots.model;
  }

  /**
   * Returns what `tokensIn` returns for the parsed line; `unsure` when the line has to be parsed. The object is valid until
   * the next call.
   */
  of(line: ScannedLine): RowTokens | 'unsure' | undefined {
    for (let at = 0; at < this.#slots.length; at += 1) {
      const slot = this.#slots[at] ?? 0;
      const kind = line.kind(slot);
      if (kind === KIND.integer) this.#counts[at] = line.count(slot);
      else if (kind === KIND.absent || kind === KIND.null) this.#counts[at] = NONE;
      else return 'unsure';
    }
    const model = line.kind(this.#modelSlot);
    if (model === KIND.escapedString) return 'unsure';
    const text = model === KIND.string ? line.repeatedText(this.#modelSlot) : undefined;
    return filled(this.#tokens, this.#counts, text);
  }
}

/** Fills in the tokens that these counts mean; returns undefined when they mean none. */
function filled(
  tokens: RowTokens,
  counts: readonly number[],
  model: string | undefined,
): RowTokens | undefined {
  const input = firstOf(counts, AT.promptTokens, AT.inputTokens);
  const output = firstOf(counts, AT.completionTokens, AT.outputTokens);
  if (input === NONE && output === NONE) return undefined;
  tokens.model = model === undefined || model === '' ? undefined : model.slice(0, MAX_MODEL).toWellFormed();
  tokens.input = Math.max(0, input);
  tokens.cachedInput = Math.max(0, firstOf(counts, AT.promptCached, AT.inputCached));
  tokens.cacheWrites = Math.max(0, firstOf(counts, AT.promptCacheWrites, AT.inputCacheWrites));
  tokens.output = Math.max(0, output);
  tokens.reasoning = Math.max(0, firstOf(counts, AT.completionReasoning, AT.outputReasoning));
  tokens.media =
    knownOf(counts, AT.promptAudio) + knownOf(counts, AT.completionAudio) + knownOf(counts, AT.inputImages);
  return tokens;
}

/** Returns the count in the words of chat completions; where there is none, in those of responses. */
function firstOf(counts: readonly number[], chat: number, response: number): number {
  const count = counts[chat] ?? NONE;
  return count === NONE ? (counts[response] ?? NONE) : count;
}

function knownOf(counts: readonly number[], at: number): number {
  return Math.max(0, counts[at] ?? NONE);
}

/** A whole number from 0; nobody is billed for anything else. */
function countOf(value: unknown): number {
  return Number.isSafeInteger(value) && Number(value) >= 0 ? Number(value) : NONE;
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return hasFields(value) ? value : {};
}
