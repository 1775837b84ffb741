import type { Random } from '../faults/seeded-random.ts';
import { isJsonObject } from '../json.ts';
import { knownSchema } from './known-schemas.ts';
import type { Question } from './question.ts';
import { words } from './schema/words.ts';
import type { Tool, WantedOutput } from './wanted-output.ts';

/** A text, or a call of a tool with its arguments as JSON text (of a custom tool: its input). */
export type Content =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'call'; readonly tool: Tool; readonly text: string };

const QUOTED_CHARACTERS = 80;

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
    return { kind: 'text', text: knownSchema(format.schema).instance?.(random) ?? 'null' };
  const text = spokenAnswer(question.asked, at);
  return { kind: 'text', text: format.kind === 'json_object' ? JSON.stringify({ answer: text }) : text };
}

/** Returns a sentence with the last text of a request, shortened. `at`: the number of the answer, from 0. */
export function spokenAnswer(asked: string, at: number): string {
  const quoted = asked.length > QUOTED_CHARACTERS ? `${asked.slice(0, QUOTED_CHARACTERS).trimEnd()}…` : asked;
  return `Local answer ${at === 0 ? '' : `${at + 1} `}to: ${quoted.toWellFormed()}`;
}

function argumentsOf(tool: Tool, random: Random): string {
  return tool.kind === 'custom' ? words(random) : (knownSchema(tool.parameters).instance?.(random) ?? '{}');
}

/** After the result of a call, a model usually answers with a text. */
function hasToolResult({ row: { body } }: Question): boolean {
  const turns = body.messages ?? body.input;
  const last = Array.isArray(turns) ? turns.at(-1) : undefined;
  if (!isJsonObject(last)) return false;
  return last.role === 'tool' || String(last.type).endsWith('_call_output');
}
