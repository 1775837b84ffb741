/**
 * Why OpenAI would refuse a row: a field that its schema requires is missing, a value is out of range, or the requested
 * format or tool cannot be used. The list is not complete.
 */
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { knownSchema } from './known-schemas.ts';
import { inputsOf } from './request-inputs.ts';
import { mentions } from './text-tokens.ts';
import { type WantedOutput, wantedOfChat, wantedOfResponse } from './wanted-output.ts';

/** The error of a row that fails with 400. */
export interface Refusal {
  readonly message: string;
  readonly param: string;
  readonly code: string | null;
}

// Deliberately separate from Batchdrop's own list, so that this server does not repeat its mistakes.
const REQUIRED: Readonly<Record<string, string>> = {
  '/v1/chat/completions': 'messages',
  '/v1/completions': 'prompt',
  '/v1/embeddings': 'input',
  '/v1/moderations': 'input',
  '/v1/images/generations': 'prompt',
  '/v1/images/edits': 'prompt',
  '/v1/videos': 'prompt',
};
const MAY_BE_NULL = '/v1/completions';

/** Parameters of other endpoints that responses have under another name. */
const MOVED_IN_RESPONSES = { messages: 'input', response_format: 'text.format' } as const;

const MAX_CHOICES = 128;
const MAX_INPUTS = 2_048;
const MAX_DIMENSIONS = 4_096; // no embedding model has more

/** Returns why a row is refused; null if it is accepted. */
export function refusalOf(endpoint: string, body: JsonObject): Refusal | null {
  return missingField(endpoint, body) ?? invalidField(endpoint, body);
}

function missingField(endpoint: string, body: JsonObject): Refusal | null {
  const required = REQUIRED[endpoint];
  if (required === undefined) return null;
  const value = body[required];
  if (value !== undefined && (value !== null || endpoint === MAY_BE_NULL)) return null;
  const message = `Missing required parameter: '${required}'.`;
  return { message, param: required, code: 'missing_required_parameter' };
}

function invalidField(endpoint: string, body: JsonObject): Refusal | null {
  switch (endpoint) {
    case '/v1/chat/completions':
      return (
        listProblem('messages', body.messages, Number.POSITIVE_INFINITY) ??
        rangeProblem('n', body.n, MAX_CHOICES) ??
        outputProblem(wantedOfChat(body), body, { format: 'response_format', input: 'messages' })
      );
    case '/v1/responses':
      return (
        movedProblem(body) ??
        outputProblem(wantedOfResponse(body), body, { format: 'text.format', input: 'input' })
      );
    case '/v1/completions':
      return rangeProblem('n', body.n, MAX_CHOICES);
    case '/v1/embeddings':
      return (
        (Array.isArray(body.input) ? listProblem('input', [...inputsOf(body)], MAX_INPUTS) : null) ??
        rangeProblem('dimensions', body.dimensions, MAX_DIMENSIONS)
      );
    default:
      return null;
  }
}

function listProblem(param: string, value: Json | undefined, most: number): Refusal | null {
  if (!Array.isArray(value)) {
    const message = `Invalid type for '${param}': expected an array of objects, but got ${kindOf(value)} instead.`;
    return { message, param, code: 'invalid_type' };
  }
  if (value.length === 0) {
    const message = `Invalid '${param}': empty array. Expected an array with minimum length 1, but got an empty array instead.`;
    return { message, param, code: 'empty_array' };
  }
  if (value.length <= most) return null;
  const message = `Invalid '${param}': array too long. Expected an array with maximum length ${most}, but got an array with length ${value.length} instead.`;
  return { message, param, code: 'array_above_max_length' };
}

function rangeProblem(param: string, value: Json | undefined, most: number): Refusal | null {
  if (value === undefined || value === null) return null;
  if (typeof value !== 'number' || !Number.isInteger(value)) {
    const message = `Invalid type for '${param}': expected an integer, but got ${kindOf(value)} instead.`;
    return { message, param, code: 'invalid_type' };
  }
  if (value >= 1 && value <= most) return null;
  const [side, comparison, limit] = value < 1 ? ['below minimum', '>=', 1] : ['above maximum', '<=', most];
  const message = `Invalid '${param}': integer ${side} value. Expected a value ${comparison} ${limit}, but got ${value} instead.`;
  return { message, param, code: value < 1 ? 'integer_below_min_value' : 'integer_above_max_value' };
}

function movedProblem(body: JsonObject): Refusal | null {
  for (const [param, to] of Object.entries(MOVED_IN_RESPONSES)) {
    if (body[param] === undefined) continue;
    const message = `Unsupported parameter: '${param}'. In the Responses API, this parameter has moved to '${to}'. Try again with the new parameter.`;
    return { message, param, code: 'unsupported_parameter' };
  }
  return null;
}

function outputProblem(
  { format, tools, choice }: WantedOutput,
  body: JsonObject,
  params: { format: string; input: string },
): Refusal | null {
  if (
    format.kind === 'json_object' &&
    !mentions([body[params.input] ?? null, body.instructions ?? null], /json/i)
  ) {
    const message = `'${params.input}' must contain the word 'json' in some form, to use '${params.format}' of type 'json_object'.`;
    return { message, param: params.input, code: null };
  }
  if (format.kind === 'json_schema') {
    const { name, schema, isStrict } = format;
    const problem = schemaProblem(schema, isStrict);
    if (typeof name !== 'string') {
      const param = params.format === 'text.format' ? 'text.format.name' : 'response_format.json_schema.name';
      return {
        message: `Missing required parameter: '${param}'.`,
        param,
        code: 'missing_required_parameter',
      };
    }
    if (problem !== null) {
      const message = `Invalid schema for response_format '${name}': ${problem}`;
      return { message, param: params.format, code: 'invalid_json_schema' };
    }
  }
  for (const { name, parameters, isStrict, param } of tools) {
    const problem = schemaProblem(parameters, isStrict);
    if (problem === null) continue;
    const message = `Invalid schema for function '${name}': ${problem}`;
    return { message, param: `${param}.parameters`, code: 'invalid_function_parameters' };
  }
  return choiceProblem(body, choice.unknown);
}

function schemaProblem(schema: Json, isStrict: boolean): string | null {
  const { instance, strictProblem } = knownSchema(schema);
  return (
    (isStrict ? strictProblem : null) ??
    (instance === null ? 'every instance of it would be infinite.' : null)
  );
}

function choiceProblem({ tools, tool_choice: choice }: JsonObject, unknown: string | null): Refusal | null {
  const hasTools = Array.isArray(tools) && tools.length > 0;
  if (choice !== undefined && choice !== null && choice !== 'none' && choice !== 'auto' && !hasTools) {
    const message =
      "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.";
    return { message, param: 'tool_choice', code: null };
  }
  if (unknown === null) return null;
  const message = `Invalid value for 'tool_choice': the tool '${unknown}' was not found in 'tools'.`;
  return { message, param: 'tool_choice', code: null };
}

function kindOf(value: Json | undefined): string {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (isJsonObject(value)) return 'an object';
  return typeof value === 'number' ? 'a decimal' : `a ${typeof value}`;
}
