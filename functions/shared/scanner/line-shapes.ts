/**
 * The values that the scanner notes for each line, by path. Every object on a path is a *requested level*. There, an
 * escaped key or a second value for a path makes the line unsure.
 */
export interface LineShape<Name extends string = string> {
  /** Keys from the top level of the line, joined by dots. The string of the first path is hashed. At most 24. */
  readonly paths: Readonly<Record<Name, string>>;
  /** Values that are often equal in consecutive lines. Their text is decoded only when it changes. */
  readonly repeated: readonly NoInfer<Name>[];
}

/** A line of a request file: the values that its check and the plan of its parts need. */
export const REQUEST_LINE = {
  paths: {
    customId: 'custom_id',
    method: 'method',
    url: 'url',
    body: 'body',
    model: 'body.model',
    stream: 'body.stream',
    input: 'body.input',
    messages: 'body.messages',
    prompt: 'body.prompt',
    maxTokens: 'body.max_tokens',
    maxCompletionTokens: 'body.max_completion_tokens',
    maxOutputTokens: 'body.max_output_tokens',
    n: 'body.n',
    bestOf: 'body.best_of',
  },
  repeated: ['method', 'url', 'model'],
} as const satisfies LineShape;

/** A line of a batch's output file or error file. */
export const RESULT_LINE = {
  paths: {
    customId: 'custom_id',
    statusCode: 'response.status_code',
    model: 'response.body.model',
    promptTokens: 'response.body.usage.prompt_tokens',
    completionTokens: 'response.body.usage.completion_tokens',
    inputTokens: 'response.body.usage.input_tokens',
    outputTokens: 'response.body.usage.output_tokens',
    promptCached: 'response.body.usage.prompt_tokens_details.cached_tokens',
    promptCacheWrites: 'response.body.usage.prompt_tokens_details.cache_write_tokens',
    promptAudio: 'response.body.usage.prompt_tokens_details.audio_tokens',
    completionReasoning: 'response.body.usage.completion_tokens_details.reasoning_tokens',
    completionAudio: 'response.body.usage.completion_tokens_details.audio_tokens',
    inputCached: 'response.body.usage.input_tokens_details.cached_tokens',
    inputCacheWrites: 'response.body.usage.input_tokens_details.cache_write_tokens',
    inputImages: 'response.body.usage.input_tokens_details.image_tokens',
    outputReasoning: 'response.body.usage.output_tokens_details.reasoning_tokens',
  },
  repeated: ['model'],
} as const satisfies LineShape;
