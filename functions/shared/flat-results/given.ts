/**
 * The answer in a result line: of chat completions, completions, responses, embeddings, or any other endpoint. A model
 * may also refuse, or call tools.
 */
import { hasFields } from '../result-lines/row-tokens.ts';
import { parseExact } from './exact-json.ts';

/** What a model answered. */
export interface Given {
  /** Its text; null if it wrote none, for example because it called a tool. */
  readonly text: string | null;
  /** The text is the whole body of the response as JSON: the endpoint is none of those above. */
  readonly isWholeBody?: true;
  /** Why it did not answer, in its own words. */
  readonly refusal: string | null;
  /** The calls of tools, as the API describes them. */
  readonly toolCalls: object | null;
  /** Why the answer ends: `stop`, `length`, and others. */
  readonly finishReason: string | null;
  /** How many answers the line has. The others are of the first one. */
  readonly choices: number;
}

const NOTHING: Given = { text: null, refusal: null, toolCalls: null, finishReason: null, choices: 1 };

/** Returns the answer in the parsed body of a response. `line`: the text, from which numbers are read exactly. */
export function givenIn(body: unknown, line: string): Given {
  if (!hasFields(body)) return { ...NOTHING, text: typeof body === 'string' ? body : null };
  if (Array.isArray(body.choices)) return ofChoices(body.choices);
  if (Array.isArray(body.output)) return ofOutput(body.output, body);
  return { ...NOTHING, text: JSON.stringify(exactBody(line)), isWholeBody: true };
}

/** Returns the vector of an embedding, or a list of vectors if the request had several inputs; null if there is none. */
export function vectorsIn(line: string): object | string | null {
  const body = exactBody(line);
  if (!hasFields(body) || !Array.isArray(body.data)) return null;
  const vectors = body.data.map((each: unknown) => (hasFields(each) ? each.embedding : null));
  const found: unknown = vectors.length === 1 ? vectors[0] : vectors;
  return hasFields(found) || typeof found === 'string' ? found : null;
}

/** The first choice is the one of index 0. Some APIs list the choices in another order. */
function ofChoices(choices: readonly unknown[]): Given {
  const all = choices.filter(hasFields);
  const choice = all.find(({ index }) => index === 0) ?? all[0];
  if (!choice) return { ...NOTHING, choices: choices.length };
  const message = hasFields(choice.message) ? choice.message : {};
  const calls = message.tool_calls ?? message.function_call;
  return {
    text: textOf(message.content ?? choice.text),
    refusal: textOrNull(message.refusal),
    toolCalls: hasFields(calls) && Object.keys(calls).length > 0 ? calls : null,
    finishReason: textOrNull(choice.finish_reason),
    choices: choices.length,
  };
}

/** The output of a response is a list of messages, calls of tools, and reasoning. */
function ofOutput(output: readonly unknown[], body: Record<string, unknown>): Given {
  const items = output.filter(hasFields);
  const messages = items.filter(({ type, content }) => type === 'message' || Array.isArray(content));
  const parts = messages
    .filter(({ type }) => type !== 'reasoning')
    .flatMap(({ content }) => (Array.isArray(content) ? content.filter(hasFields) : []));
  const refusals = parts.flatMap(({ refusal }) => (typeof refusal === 'string' ? [refusal] : []));
  const calls = items.filter(({ type }) => typeof type === 'string' && type.endsWith('_call'));
  const details = hasFields(body.incomplete_details) ? body.incomplete_details : {};
  return {
    text: textOf(parts.filter(({ refusal }) => refusal === undefined)),
    refusal: refusals.length > 0 ? refusals.join('') : null,
    toolCalls: calls.length > 0 ? calls : null,
    finishReason: textOrNull(details.reason) ?? textOrNull(body.status),
    choices: 1,
  };
}

/** Returns a content, which is a text or a list of parts with texts; null if there is none. */
function textOf(content: unknown): string | null {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return null;
  const texts = content.flatMap((part: unknown) =>
    hasFields(part) && typeof part.text === 'string' ? [part.text] : [],
  );
  return texts.length > 0 ? texts.join('') : null;
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function exactBody(line: string): unknown {
  const parsed = parseExact(line);
  const response = hasFields(parsed) ? parsed.response : undefined;
  return hasFields(response) ? response.body : undefined;
}
