/** Endpoints a batch may call ([source](https://platform.openai.com/docs/api-reference/batch/create)). */
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

/** An endpoint a batch may call. */
export type Endpoint = (typeof ENDPOINTS)[number];

/** OpenAI's limits for one batch, which a part obeys. 200 MB is read as 200 × 10⁶ bytes, the stricter reading. */
export const PART_LIMITS = {
  rows: 50_000,
  bytes: 200_000_000,
  embeddingInputs: 50_000,
} as const;

/** Batchdrop's own limits for one request file. */
export const FILE_LIMITS = {
  rows: 5_000_000,
  bytes: 50_000_000_000,
  /** Pairs of url and model in one file: each has a part of its own open while the file is read and delivered. */
  groups: 100,
  /** Batches of one file: more than five hours of OpenAI's 2,000 creates an hour. */
  parts: 10_000,
  customIdBytes: 512,
  /** A model's name is carried by every event of its batch. */
  modelBytes: 256,
  /** One row; larger ones could not be checked in bounded memory. 32 MiB. */
  rowBytes: 33_554_432,
} as const;

/** Limits of a batch's metadata; Batchdrop keeps six of OpenAI's 16 pairs for itself. */
export const METADATA_LIMITS = { pairs: 10, nameLength: 64, valueLength: 512 } as const;

/** S3 user metadata `x-amz-meta-batch-<name>` becomes metadata `<name>` of every batch and event of the file; it is the user's alone. */
export const METADATA_PREFIX = 'batch-';

/** S3 user metadata `x-amz-meta-batchdrop-<name>` instructs Batchdrop. A file with an unknown one is rejected. */
export const INSTRUCTION_PREFIX = 'batchdrop-';

/** S3 user metadata `x-amz-meta-batchdrop-rerun: yes`: run the file even if the same bytes ran just now. */
export const RERUN_INSTRUCTION = 'batchdrop-rerun';

/** S3 user metadata `x-amz-meta-batchdrop-priority`: how urgent the file is among those that wait, with `shares`. */
export const PRIORITY_INSTRUCTION = 'batchdrop-priority';

/** The values of `batchdrop-priority`; without it a file is `normal`. */
export const PRIORITIES = ['high', 'normal', 'low'] as const;

/** How urgent a file is. */
export type Priority = (typeof PRIORITIES)[number];

/** Names of request files end so, in any case. */
export const REQUEST_FILE_SUFFIXES = ['.jsonl', '.ndjson'] as const;
