/** The texts of a request, and tokens: one for every four characters, as OpenAI's rule of thumb for English says. */
import { isJsonObject, type Json, type JsonObject } from '../json.ts';

const CHARACTERS_PER_TOKEN = 4;
const EMBEDDED_FILE = /^data:[\w.+-]+\/[\w.+-]+[;,]/;
const FILE_TOKENS = 765; // what gpt-4o bills for an image of 1024 × 1024
const DEEPEST_TEXT = 32; // texts of a real request are within 6 levels; a malicious one must not overflow the stack

/**
 * Returns the prompt tokens of a request: of its messages or input, its tools and the schema of its answer. A token number
 * in an array is one token, and an image or another embedded file has a fixed number of tokens.
 */
export function promptTokens(body: JsonObject): number {
  const { messages, input, prompt, instructions, tools, response_format: format, text } = body;
  const asked = [messages, input, prompt, instructions, tools, format, text];
  return Math.ceil(asked.reduce<number>((sum, part) => sum + characters(part, 0), 0) / CHARACTERS_PER_TOKEN);
}

function characters(value: Json | undefined, depth: number): number {
  if (typeof value === 'string')
    return isEmbeddedFile(value) ? FILE_TOKENS * CHARACTERS_PER_TOKEN : value.length;
  if (typeof value === 'number') return CHARACTERS_PER_TOKEN;
  if (typeof value !== 'object' || value === null || depth > DEEPEST_TEXT) return 0;
  return Object.values(value).reduce<number>((sum, part) => sum + characters(part, depth + 1), 0);
}

function isEmbeddedFile(text: string): boolean {
  return text.startsWith('data:') && EMBEDDED_FILE.test(text);
}

/** Returns the last text of a request's messages, input or prompt. */
export function lastText(value: Json | undefined, depth = 0): string | undefined {
  if (typeof value === 'string') return value;
  if (depth > DEEPEST_TEXT) return undefined;
  if (Array.isArray(value)) return lastText(value.at(-1), depth + 1);
  if (!isJsonObject(value)) return undefined;
  return lastText(value.content ?? value.text, depth + 1);
}

/** Returns whether any text of the value contains the word, in upper or lower case. */
export function mentions(value: Json | undefined, word: RegExp, depth = 0): boolean {
  if (typeof value === 'string') return word.test(value);
  if (typeof value !== 'object' || value === null || depth > DEEPEST_TEXT) return false;
  return Object.values(value).some((part) => mentions(part, word, depth + 1));
}

/** Returns how many tokens a text has. */
export function tokensOf(text: string): number {
  return Math.ceil(text.length / CHARACTERS_PER_TOKEN);
}

/** Returns the tokens of a text. */
export function tokensIn(text: string): string[] {
  return Array.from({ length: tokensOf(text) }, (_, at) =>
    text.slice(boundary(text, at), boundary(text, at + 1)),
  );
}

/** A text that a limit may have cut. */
export interface LimitedText {
  readonly text: string;
  readonly isCut: boolean;
}

/** Returns at most the first `most` tokens of a text. */
export function limited(text: string, most: number): LimitedText {
  const isCut = tokensOf(text) > most;
  return { text: isCut ? text.slice(0, boundary(text, most)) : text, isCut };
}

/** Returns where a token begins. A character of two code units is not cut. */
function boundary(text: string, token: number): number {
  const at = token * CHARACTERS_PER_TOKEN;
  const isInside = at < text.length && /^[\uD800-\uDBFF][\uDC00-\uDFFF]$/.test(text.slice(at - 1, at + 1));
  return isInside ? at - 1 : at;
}

/** Returns the limit of output tokens that the value sets; infinity if it sets none. */
export function tokenLimit(...values: readonly (Json | undefined)[]): number {
  const limits = values.filter((value) => typeof value === 'number' && Number.isInteger(value) && value >= 0);
  return Math.min(...limits.map(Number));
}
