/**
 * Endpoints a batch may call ([source](https://platform.openai.com/docs/api-reference/batch/create)).
 * @example const row = { custom_id: 'a', method: 'POST', url: ENDPOINTS[0], body: { model: 'gpt-4o-mini', input: 'Hello' } };
 */
export const ENDPOINTS = [
  '/v1/responses',
  '/v1/chat/completions',
  '/v1/embeddings',
  '/v1/completions',
  '/v1/moderations',
  '/v1/images/generations',
  '/v1/images/edits',
  '/v1/videos',
] as const;

/**
 * An endpoint a batch may call.
 * @example '/v1/responses'
 */
export type Endpoint = (typeof ENDPOINTS)[number];

/** A field of a request's body without which OpenAI refuses the request. */
export interface RequiredField {
  readonly name: 'messages' | 'input' | 'prompt';
  readonly mayBeNull: boolean;
}

const PROMPT: RequiredField = { name: 'prompt', mayBeNull: false };
const INPUT: RequiredField = { name: 'input', mayBeNull: false };

/**
 * The field that OpenAI's schema of each endpoint requires in addition to `model`
 * ([source](https://platform.openai.com/docs/api-reference)). `/v1/responses` requires none: a request may have
 * `prompt` or `conversation` instead of `input`.
 */
export const REQUIRED_FIELDS: Readonly<Record<Endpoint, RequiredField | null>> = {
  '/v1/responses': null,
  '/v1/chat/completions': { name: 'messages', mayBeNull: false },
  '/v1/embeddings': INPUT,
  '/v1/completions': { ...PROMPT, mayBeNull: true },
  '/v1/moderations': INPUT,
  '/v1/images/generations': PROMPT,
  '/v1/images/edits': PROMPT,
  '/v1/videos': PROMPT,
};

/** Returns whether a batch may call the endpoint. */
export function isEndpoint(url: unknown): url is Endpoint {
  return typeof url === 'string' && Object.hasOwn(REQUIRED_FIELDS, url);
}

/**
 * OpenAI's limits for one batch, which each part obeys. 200 MB is interpreted as 200 × 10⁶ bytes, the stricter meaning.
 * @example const batches = Math.ceil(120_000 / PART_LIMITS.rows); // 3
 */
export const PART_LIMITS = {
  rows: 50_000,
  bytes: 200_000_000,
  embeddingInputs: 50_000,
} as const;

/**
 * Batchdrop's own limits for one request file.
 * @example if (rows.length > FILE_LIMITS.rows) console.log('this needs two files');
 */
export const FILE_LIMITS = {
  rows: 5_000_000,
  bytes: 50_000_000_000,
  /**
   * The maximum number of pairs of url and model in one file. Each pair has its own open part while the file is read
   * and delivered.
   */
  groups: 100,
  /** The maximum number of batches of one file: more than five hours at OpenAI's limit of 2,000 creates per hour. */
  parts: 10_000,
  customIdBytes: 512,
  /** Every event of a batch contains the model's name. */
  modelBytes: 256,
  /** One row, 32 MiB. Larger ones could not be checked in bounded memory. */
  rowBytes: 33_554_432,
} as const;

/**
 * The limits of a batch's metadata. Batchdrop reserves six of OpenAI's 16 pairs.
 * @example const team = 'search'.slice(0, METADATA_LIMITS.valueLength);
 */
export const METADATA_LIMITS = { pairs: 10, nameLength: 64, valueLength: 512 } as const;

/**
 * S3 user metadata `x-amz-meta-batch-<name>` becomes metadata `<name>` of every batch and event of the file. Batchdrop
 * uses none of these names itself.
 * @example const userMetadata = { [`${METADATA_PREFIX}team`]: 'search' }; // `Metadata` of PutObject
 */
export const METADATA_PREFIX = 'batch-';

/**
 * S3 user metadata `x-amz-meta-batchdrop-<name>` is an instruction to Batchdrop. A file with an unknown instruction is
 * rejected.
 * @example const isInstruction = (name: string) => name.startsWith(INSTRUCTION_PREFIX);
 */
export const INSTRUCTION_PREFIX = 'batchdrop-';

/**
 * S3 user metadata `x-amz-meta-batchdrop-rerun: yes`: run the file even if the same bytes have just run.
 * @example const userMetadata = { [RERUN_INSTRUCTION]: 'yes' }; // `Metadata` of PutObject
 */
export const RERUN_INSTRUCTION = 'batchdrop-rerun';

/**
 * S3 user metadata `x-amz-meta-batchdrop-hold: yes`: check and plan the file, and send nothing before an approval.
 * @example const userMetadata = { [HOLD_INSTRUCTION]: 'yes' }; // `Metadata` of PutObject
 */
export const HOLD_INSTRUCTION = 'batchdrop-hold';

/**
 * S3 user metadata `x-amz-meta-batchdrop-max-cost: 5`: reject the file if it may cost more, in the currency of the prices.
 * @example const userMetadata = { [MAX_COST_INSTRUCTION]: '5' }; // `Metadata` of PutObject
 */
export const MAX_COST_INSTRUCTION = 'batchdrop-max-cost';

/**
 * S3 user metadata `x-amz-meta-batchdrop-priority`: how urgent the file is among those that wait, with `shares`.
 * @example const userMetadata = { [PRIORITY_INSTRUCTION]: 'high' }; // `Metadata` of PutObject
 */
export const PRIORITY_INSTRUCTION = 'batchdrop-priority';

/** S3 user metadata `x-amz-meta-batchdrop-format: csv`: also store the results as one table, `output.csv`. */
export const FORMAT_INSTRUCTION = 'batchdrop-format';

/** The values of `batchdrop-format`. `jsonl`: no table, also where the prop `flatResults` asks for one. */
export const RESULT_FORMATS = ['csv', 'jsonl'] as const;

/** The format of results. */
export type ResultFormat = (typeof RESULT_FORMATS)[number];

/**
 * S3 user metadata `x-amz-meta-batchdrop-retry-of: JOB_ID`: the file has rows of that job, and runs them again. `batchdrop retry`
 * sets it.
 * @example const userMetadata = { [RETRY_OF_INSTRUCTION]: 'vtnvjcbb' }; // `Metadata` of PutObject
 */
export const RETRY_OF_INSTRUCTION = 'batchdrop-retry-of';

/**
 * S3 user metadata `x-amz-meta-batchdrop-callback: ID`: a task of Step Functions waits for the file's job. `startAndWait` sets
 * it.
 */
export const CALLBACK_INSTRUCTION = 'batchdrop-callback';

/**
 * The values of `batchdrop-priority`; without it a file is `normal`.
 * @example const isPriority = (text: string) => PRIORITIES.some((priority) => priority === text);
 */
export const PRIORITIES = ['high', 'normal', 'low'] as const;

/**
 * How urgent a file is.
 * @example 'high'
 */
export type Priority = (typeof PRIORITIES)[number];

/**
 * The suffixes of request files, in upper or lower case.
 * @example const isRequestFile = (key: string) => REQUEST_FILE_SUFFIXES.some((suffix) => key.toLowerCase().endsWith(suffix));
 */
export const REQUEST_FILE_SUFFIXES = ['.jsonl', '.ndjson'] as const;
