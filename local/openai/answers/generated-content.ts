import type { Random } from '../faults/seeded-random.ts';
import { isJsonObject, type Json } from '../json.ts';
import type { Question } from './question.ts';
import { instancesOf } from './schema/schema-instance.ts';
import { words } from './schema/words.ts';
import type { Tool, WantedOutput } from './wanted-output.ts';

/** A text, or a call of a tool with its arguments as JSON text (of a custom tool: its input). */
export type Content =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'call'; readonly tool: Tool; readonly text: string };

const QUOTED_CHARACTERS = 80;
const SCHEMAS_KEPT = 32;
const MAX_KEPT_SCHEMA = 200_000;

/** The makers for the last schemas, by their text, because the rows of a file usually share one. */
const makers = new Map<string, ReturnType<typeof instancesOf>>();

/** Returns the content of the answer number `at`: a text in the requested format, or a call. The same row gets the same content. */
export function generatedContent(question: Question, { format, choice }: WantedOutput, at = 0): Content {
  const isPlain = format.kind === 'text' && choice.mode === 'none';
  if (isPlain) return { kind: 'text', text: spokenAnswer(question.asked, at) };
  const random = question.randomOf(at);
  const calls =
    choice.mode === 'required' || (choice.mode === 'auto' && !hasToolResult(question) && random() < 0.5);
  const tool = calls ? choice.tools[Math.floor(random() * choice.tools.length)] : undefined;
  if (tool) return { kind: 'call', tool, text: argumentsOf(tool, random) };
  if (format.kind === 'json_schema')
    return { kind: 'text', text: makerOf(format.schema)?.(random) ?? 'null' };
  const text = spokenAnswer(question.asked, at);
  return { kind: 'text', text: format.kind === 'json_object' ? JSON.stringify({ answer: text }) : text };
}

/** Returns the maker of instances of a schema; null if it has no finite instance. */
export function makerOf(schema: Json): ReturnType<typeof instancesOf> {
  const text = JSON.stringify(schema);
  const known = makers.get(text);
  if (known !== undefined) return known;
  const maker = instancesOf(schema);
  if (text.length > MAX_KEPT_SCHEMA) return maker;
  const [oldest] = makers.keys();
  if (makers.size >= SCHEMAS_KEPT && oldest !== undefined) makers.delete(oldest);
  makers.set(text, maker);
  return maker;
}

/** Returns a sentence with the last text of a request, shortened. `at`: the number of the answer, from 0. */
export function spokenAnswer(asked: string, at: number): string {
  const quoted = asked.length > QUOTED_CHARACTERS ? `${asked.slice(0, QUOTED_CHARACTERS).trimEnd()}…` : asked;
  return `Local answer ${at === 0 ? '' : `${at + 1} `}to: ${quoted.toWellFormed()}`;
}

function argumentsOf(tool: Tool, random: Random): string {
  return tool.kind === 'custom' ? words(random) : (makerOf(tool.parameters)?.(random) ?? '{}');
}

/** After the result of a call, a model usually answers with a text. */
function hasToolResult({ row: { body } }: Question): boolean {
  const turns = body.messages ?? body.input;
  const last = Array.isArray(turns) ? turns.at(-1) : undefined;
  if (!isJsonObject(last)) return false;
  return last.role === 'tool' || String(last.type).endsWith('_call_output');
}
