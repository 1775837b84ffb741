import { isJsonObject, type Json, type JsonObject } from '../json.ts';

/** Returns the inputs of an embedding request: one or more texts or arrays of tokens. */
export function inputsOf({ input }: JsonObject): readonly Json[] {
  return several(input ?? null);
}

/** Returns the inputs of a moderation request. A list of texts and images with a type is one input. */
export function moderatedInputsOf({ input }: JsonObject): readonly Json[] {
  return Array.isArray(input) && isJsonObject(input[0]) ? [input] : several(input ?? null);
}

/** Returns the prompts of a completion request. */
export function promptsOf({ prompt }: JsonObject): readonly Json[] {
  return several(prompt ?? null);
}

/** A string or one list of token numbers is one input; a list of strings or of lists has as many as entries. */
function several(value: Json): readonly Json[] {
  return Array.isArray(value) && typeof value[0] !== 'number' ? value : [value];
}
