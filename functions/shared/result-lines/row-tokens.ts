/**
 * What a row's line says of the tokens that it used, in the words of chat completions (`prompt_tokens`) or of responses
 * (`input_tokens`). `scannedTokens` says of a clean line what `tokensIn` says of its parsed response:
 * `npm run fuzz:scanner` compares both.
 */
import type { TokenCounts } from '../domain/money/token-counts.ts';
import type { RESULT_LINE } from '../scanner/line-shapes.ts';
import { KIND, type ScannedLine } from '../scanner/scanned-line.ts';

/** Tokens as a line reports them. */
export interface RowTokens extends TokenCounts {
  /** As the line names it; absent where it names none. */
  model?: string;
}

type Slot = keyof (typeof RESULT_LINE)['paths'];

/** What is known of each count: its value; undefined where the line says none. */
type Counts = Partial<Record<Slot, number | undefined>>;

const MAX_MODEL = 100; // characters

const COUNTS = [
  'promptTokens',
  'inputTokens',
  'completionTokens',
  'outputTokens',
  'promptCached',
  'inputCached',
  'promptCacheWrites',
  'inputCacheWrites',
  'completionReasoning',
  'outputReasoning',
  'promptAudio',
  'completionAudio',
  'inputImages',
] as const satisfies readonly Slot[];

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
  const counts: Counts = {
    promptTokens: countOf(usage.prompt_tokens),
    inputTokens: countOf(usage.input_tokens),
    completionTokens: countOf(usage.completion_tokens),
    outputTokens: countOf(usage.output_tokens),
    promptCached: countOf(prompt.cached_tokens),
    inputCached: countOf(input.cached_tokens),
    promptCacheWrites: countOf(prompt.cache_write_tokens),
    inputCacheWrites: countOf(input.cache_write_tokens),
    completionReasoning: countOf(completion.reasoning_tokens),
    outputReasoning: countOf(output.reasoning_tokens),
    promptAudio: countOf(prompt.audio_tokens),
    completionAudio: countOf(completion.audio_tokens),
    inputImages: countOf(input.image_tokens),
  };
  return rowTokens(counts, typeof body.model === 'string' ? body.model : undefined);
}

/** Returns the same of a clean line; `unsure` when the line has to be parsed. */
export function scannedTokens(
  line: ScannedLine,
  slots: Readonly<Record<Slot, number>>,
): RowTokens | 'unsure' | undefined {
  const counts: Counts = {};
  for (const name of COUNTS) {
    const kind = line.kind(slots[name]);
    if (kind === KIND.integer) counts[name] = line.count(slots[name]);
    else if (kind !== KIND.absent && kind !== KIND.null) return 'unsure';
  }
  const model = line.kind(slots.model);
  if (model === KIND.escapedString) return 'unsure';
  return rowTokens(counts, model === KIND.string ? line.repeatedText(slots.model) : undefined);
}

function rowTokens(counts: Counts, model: string | undefined): RowTokens | undefined {
  const input = counts.promptTokens ?? counts.inputTokens;
  const output = counts.completionTokens ?? counts.outputTokens;
  if (input === undefined && output === undefined) return undefined;
  return {
    ...(model === undefined || model === '' ? {} : { model: model.slice(0, MAX_MODEL).toWellFormed() }),
    input: input ?? 0,
    cachedInput: counts.promptCached ?? counts.inputCached ?? 0,
    cacheWrites: counts.promptCacheWrites ?? counts.inputCacheWrites ?? 0,
    output: output ?? 0,
    reasoning: counts.completionReasoning ?? counts.outputReasoning ?? 0,
    media: (counts.promptAudio ?? 0) + (counts.completionAudio ?? 0) + (counts.inputImages ?? 0),
  };
}

/** A whole number from 0; nobody is billed for anything else. */
function countOf(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && Number(value) >= 0 ? Number(value) : undefined;
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return hasFields(value) ? value : {};
}

/** Returns whether a parsed value is an object or a list. */
export function hasFields(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
