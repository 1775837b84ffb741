/** What a request asks for, in the spelling of chat completions or of responses. */
import { isJsonObject, type Json, type JsonObject } from '../json.ts';

/** The format of the answer's text. */
export type TextFormat =
  | { readonly kind: 'text' | 'json_object' }
  | { readonly kind: 'json_schema'; readonly name: Json; readonly schema: Json; readonly isStrict: boolean };

/** A tool that the answer may call. */
export interface Tool {
  readonly kind: 'function' | 'custom';
  readonly name: string;
  /** The schema of its arguments. */
  readonly parameters: Json;
  readonly isStrict: boolean;
  /** Its place in the request. */
  readonly param: string;
}

/** Which tools the answer may call, and whether it must. */
export interface ToolChoice {
  readonly mode: 'none' | 'auto' | 'required';
  readonly tools: readonly Tool[];
  /** A tool that the choice names and the request does not have. */
  readonly unknown: string | null;
}

export interface WantedOutput {
  readonly format: TextFormat;
  readonly tools: readonly Tool[];
  readonly choice: ToolChoice;
}

/** Most requests ask for nothing special. */
const PLAIN_TEXT: WantedOutput = {
  format: { kind: 'text' },
  tools: [],
  choice: { mode: 'none', tools: [], unknown: null },
};

/** Returns what a chat completion asks for. */
export function wantedOfChat(body: JsonObject): WantedOutput {
  if (body.response_format === undefined && body.tools === undefined && body.tool_choice === undefined)
    return PLAIN_TEXT;
  const { response_format: format } = body;
  const nested = isJsonObject(format) ? format.json_schema : undefined;
  const tools = listOf(body.tools).flatMap((tool, at) => {
    const kind = isJsonObject(tool) ? tool.type : undefined;
    if (!isJsonObject(tool) || (kind !== 'function' && kind !== 'custom')) return [];
    return toolOf(kind, tool[kind], `tools[${at}].${kind}`);
  });
  return { format: formatOf(format, nested), tools, choice: choiceOf(body.tool_choice, tools) };
}

/** Returns what a response asks for. Tools that OpenAI runs itself, for example web search, are never called. */
export function wantedOfResponse(body: JsonObject): WantedOutput {
  if (body.text === undefined && body.tools === undefined && body.tool_choice === undefined)
    return PLAIN_TEXT;
  const format = isJsonObject(body.text) ? body.text.format : undefined;
  const tools = listOf(body.tools).flatMap((tool, at) => {
    const kind = isJsonObject(tool) ? tool.type : undefined;
    return kind === 'function' || kind === 'custom' ? toolOf(kind, tool, `tools[${at}]`) : [];
  });
  return { format: formatOf(format, format), tools, choice: choiceOf(body.tool_choice, tools) };
}

function formatOf(format: Json | undefined, details: Json | undefined): TextFormat {
  const kind = isJsonObject(format) ? format.type : 'text';
  if (kind === 'json_object') return { kind };
  if (kind !== 'json_schema') return { kind: 'text' };
  const { name = null, schema = {}, strict } = isJsonObject(details) ? details : {};
  return { kind, name, schema, isStrict: strict === true };
}

function toolOf(kind: Tool['kind'], details: Json | undefined, param: string): Tool[] {
  if (!isJsonObject(details) || typeof details.name !== 'string') return [];
  const parameters = isJsonObject(details.parameters)
    ? details.parameters
    : { type: 'object', properties: {} };
  return [{ kind, name: details.name, parameters, isStrict: details.strict === true, param }];
}

function choiceOf(choice: Json | undefined, tools: readonly Tool[]): ToolChoice {
  if (choice === 'none' || (tools.length === 0 && !isJsonObject(choice)))
    return { mode: 'none', tools, unknown: null };
  if (choice === 'required') return { mode: 'required', tools, unknown: null };
  if (!isJsonObject(choice)) return { mode: 'auto', tools, unknown: null };
  if (choice.type === 'allowed_tools') return allowedOf(choice, tools);
  const name = toolName(choice);
  if (name === undefined) return { mode: 'none', tools, unknown: null }; // a tool that OpenAI runs itself
  const named = tools.filter((tool) => tool.name === name);
  return { mode: 'required', tools: named, unknown: named.length === 0 ? name : null };
}

function allowedOf(choice: JsonObject, tools: readonly Tool[]): ToolChoice {
  const { mode, tools: allowed } = isJsonObject(choice.allowed_tools) ? choice.allowed_tools : choice;
  const names = listOf(allowed).map(toolName);
  const usable = tools.filter(({ name }) => names.includes(name));
  return {
    mode: usable.length === 0 ? 'none' : mode === 'required' ? 'required' : 'auto',
    tools: usable,
    unknown: null,
  };
}

/** Returns the name in `{type: 'function', name}` or `{type: 'function', function: {name}}`. */
function toolName(reference: Json): string | undefined {
  if (!isJsonObject(reference)) return undefined;
  const nested = typeof reference.type === 'string' ? reference[reference.type] : undefined;
  const { name } = isJsonObject(nested) ? nested : reference;
  return typeof name === 'string' ? name : undefined;
}

function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}
