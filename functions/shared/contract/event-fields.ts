/** Every field of every event, with its JSON Schema and its meaning. */
import { API_ID_PATTERN } from './api-id.ts';
import { JOB_STATUSES } from './batch-status.ts';
import { EVENT_SOURCE, EVENT_VERSION, LISTED_AT_MOST } from './events.ts';
import {
  anyText,
  count,
  fromOne,
  type JsonFields,
  type JsonSchema,
  moment,
  objectOf,
  oneOfTexts,
  orNull,
  pairs,
  said,
  text,
} from './json-schema.ts';
import { ENDPOINTS } from './request-file.ts';

const jobId: JsonSchema = { type: 'string', pattern: '^[a-z2-7]{26}$' };

function excerpt(what: string, entry: JsonSchema): JsonSchema {
  const first = { type: 'array', items: entry, maxItems: LISTED_AT_MOST };
  return objectOf({
    count: said(`Number of all ${what}.`, count),
    first: said(`The first ${LISTED_AT_MOST} of them.`, first),
  });
}

/** The fields that EventBridge adds to the detail, except `detail-type` and `detail`. */
export const ENVELOPE_FIELDS: JsonFields = {
  version: said('Version of the envelope.', { const: '0' }),
  id: said(
    'Assigned by EventBridge. It differs if an event is repeated: use `detail.metadata.id` instead.',
    text,
  ),
  source: said('The same for every event of Batchdrop.', { const: EVENT_SOURCE }),
  account: said('The AWS account of the Batchdrop.', text),
  time: said('`detail.metadata.occurredAt`, to the second.', moment),
  region: said('The AWS Region of the Batchdrop.', text),
  resources: said('ARNs of the S3 objects that the event names, the request file first.', {
    type: 'array',
    items: { type: 'string', pattern: '^arn:[a-z-]+:s3:::' },
  }),
};

/** The fields of `detail.metadata` in every event. */
export const METADATA_FIELDS: JsonFields = {
  id: said('Identifies the event. If you receive an event twice, both copies have the same id.', text),
  version: said('Version of `detail`. It stays the same if a new version of Batchdrop only adds fields.', {
    const: EVENT_VERSION,
  }),
  sequence: said(
    'Rises by one with each status change of the batch or job. It is always 1 in an outcome, and counts the stalls of the part in a stalled event.',
    fromOne,
  ),
  occurredAt: said('When the change was observed.', moment),
  instance: said(
    'The Batchdrop that published the event: the name of its stack and its path in the stack, as in `Batchdrop.instance`.',
    text,
  ),
};

/** `detail.metadata.jobId`. */
export const JOB_ID = said('The job: one version of one request file.', jobId);

const FILE_VERSION: JsonFields = {
  bucket: said('The request bucket.', text),
  key: said('The key of the request file.', text),
  versionId: said('The version of the object.', text),
};

const USAGE = objectOf({
  inputTokens: said('Input tokens, cached ones included.', count),
  cachedInputTokens: said('Input tokens that were read from the cache.', count),
  outputTokens: said('Output tokens, reasoning included.', count),
  reasoningTokens: said('Output tokens that were used for reasoning.', count),
  totalTokens: said('Input and output tokens.', count),
});

const AMOUNT: JsonSchema = { type: 'string', pattern: '^[0-9]+\\.[0-9]{2,12}$' };
const MONEY = orNull(AMOUNT);

const COST = objectOf({
  currency: said('ISO 4217, such as `USD`. Money is a decimal number of this currency, and exact.', text),
  list: said(
    'The list price, without the discount of a batch; null if the price of a model is not known, or if rows report no tokens.',
    MONEY,
  ),
  paid: said('The list price less the discount of a batch; null as `list` is.', MONEY),
  models: said('By model, in alphabetical order.', {
    type: 'array',
    items: objectOf({
      model: said('As the results name it; `(other models)` for all after the twentieth.', text),
      rows: said('Results that report tokens. A row that ran in two batches has two.', count),
      inputTokens: said('Input tokens, cached input and cache writes included.', count),
      cachedInputTokens: said('Input tokens that were read from the cache.', count),
      cacheWriteTokens: said('Input tokens that were written to the cache.', count),
      outputTokens: said('Output tokens, reasoning included.', count),
      reasoningTokens: said('Output tokens that were used for reasoning.', count),
      list: said('The list price; null if it is not known.', MONEY),
      paid: said('The list price less the discount of a batch; null if it is not known.', MONEY),
    }),
  }),
  rowsWithoutUsage: said('Rows that succeeded although their results report no tokens.', count),
});

const ESTIMATED_TOKENS: JsonFields = {
  low: said('The true number is hardly ever lower.', count),
  likely: said('The expected number.', count),
};

const ESTIMATE = objectOf({
  currency: said('ISO 4217, such as `USD`. Money is a decimal number of this currency.', text),
  cost: said(
    'What is expected to be paid: the list price less the discount of a batch. Null if no price is known for one of the models.',
    orNull(
      objectOf({
        low: said('The cost is hardly ever lower.', AMOUNT),
        likely: said('The expected cost.', AMOUNT),
        high: said('The cost is hardly ever higher. Null if `outputTokens.high` is.', MONEY),
      }),
    ),
  ),
  inputTokens: objectOf({ ...ESTIMATED_TOKENS, high: said('The true number is hardly ever higher.', count) }),
  outputTokens: objectOf({
    ...ESTIMATED_TOKENS,
    high: said(
      'The sum of the limits that the rows set. Null if rows set none, and no batch of such rows was measured yet.',
      orNull(count),
    ),
  }),
  measured: said(
    'Batches of such rows were measured. If false, the numbers of tokens follow from bytes and limits alone.',
    { type: 'boolean' },
  ),
  batchDiscount: said('What a batch costs less than the list price.', {
    type: 'number',
    minimum: 0,
    maximum: 1,
  }),
  models: objectOf({
    count: said('Number of all models.', fromOne),
    first: said('The first 5 of them: those without a price, then those of the most rows.', {
      type: 'array',
      maxItems: 5,
      items: objectOf({
        model: said('As the rows name it.', text),
        rows: said('Rows of this model.', fromOne),
        price: said(
          '`list`: of the table that Batchdrop comes with. `settings`: your own. `unknown`: no price is known.',
          oneOfTexts(['list', 'settings', 'unknown']),
        ),
        priceDate: said(
          'Of a list price: the first day it holds, or else the day it was found. Null for others.',
          orNull({ type: 'string', format: 'date' }),
        ),
      }),
    }),
  }),
});

const USERS_METADATA = said(
  'The metadata of the request file: `x-amz-meta-batch-<name>` without the prefix.',
  pairs,
);

/** Fields of `detail.data` of an `OpenAI Batch Status Change`. */
export const BATCH_FIELDS: JsonFields = {
  batchId: said("OpenAI's id of the batch.", text),
  status: said(
    "OpenAI's status of the batch. Batchdrop publishes a status that OpenAI adds later unchanged.",
    text,
  ),
  previousStatus: said('The status in the event before; null for the first one.', orNull(text)),
  requestFile: objectOf(FILE_VERSION),
  partNumber: said('Which part of the request file the batch runs, from 1 to `plannedParts`.', fromOne),
  plannedParts: said('How many parts the request file was divided into.', fromOne),
  attempt: said('From 1. Rises each time the part, or what is left of it, is sent again.', fromOne),
  endpoint: said('The endpoint that the requests of the batch call.', oneOfTexts(ENDPOINTS)),
  model: said('The model of every request in the batch.', text),
  sentRows: said('Rows sent as this batch: in a later attempt, only the rows that run again.', fromOne),
  requestCounts: said(
    "The API's `request_counts`. While the batch runs, and after it expired, they may not add up.",
    orNull(
      objectOf({
        total: said('Requests in the batch.', count),
        completed: said('Requests that succeeded so far.', count),
        failed: said('Requests that failed so far.', count),
      }),
    ),
  ),
  usage: said('Tokens as the API reports them.', orNull(USAGE)),
  inputFileId: said("OpenAI's id of the uploaded file.", anyText),
  outputFileId: said("OpenAI's id of the file with results.", orNull(text)),
  errorFileId: said("OpenAI's id of the file with errors.", orNull(text)),
  createdAt: said('When the batch was created, by the clock of the API.', moment),
  expiresAt: said('When the batch expires, by the clock of the API.', orNull(moment)),
  endedAt: said('When the batch ended, by the clock of the API.', orNull(moment)),
  metadata: USERS_METADATA,
  errors: excerpt(
    'errors',
    objectOf({
      code: said('As the API reports it.', orNull(anyText)),
      message: said('As the API reports it.', orNull(anyText)),
      param: said('As the API reports it.', orNull(anyText)),
      line: said('Line of the uploaded file, as the API reports it.', orNull({ type: 'integer' })),
    }),
  ),
  willRetry: said('Batchdrop tries this part again, without any action of yours.', { type: 'boolean' }),
  waiting: objectOf({
    for: said(
      'Why the API failed the batch. `token_limit`: too many tokens were enqueued. `account`: the account cannot pay or may not use the service. `storage`: the storage of the account is full. `not_visible`: the API does not find the uploaded file yet.',
      oneOfTexts(['token_limit', 'account', 'storage', 'not_visible']),
    ),
    position: said(
      'Position, from 1, among the waiting parts of the same model at that time; null if it was not known.',
      orNull(fromOne),
    ),
    until: said(
      'The part is tried again as soon as there is capacity, and at this time at the latest.',
      moment,
    ),
  }),
};

/** Fields of `detail.data` of an `OpenAI Batch Job Status Change`. */
export const JOB_FIELDS: JsonFields = {
  status: said('The status of the job.', oneOfTexts(JOB_STATUSES)),
  previousStatus: said(
    'The status in the event before; null for the first one.',
    orNull(oneOfTexts(['unapproved', 'accepted', 'submitted'])),
  ),
  requestFile: objectOf({
    ...FILE_VERSION,
    size: said('Bytes of the request file.', count),
    etag: said('ETag of the request file.', text),
  }),
  metadata: USERS_METADATA,
  retryOf: said(
    'The job whose rows this one runs again. Only of a file that `batchdrop retry` uploaded.',
    jobId,
  ),
  plannedRows: said('Rows of the request file.', fromOne),
  plannedParts: said('How many parts the request file was divided into; each runs as one batch.', fromOne),
  approveBy: said('A job that is not approved by then is cancelled.', moment),
  estimate: said('What the job will use and cost, before anything is sent.', ESTIMATE),
  waiting: objectOf({
    for: said(
      'Which limit is reached (`enqueued_tokens`, `open_batches`), or why nothing can be sent at present.',
      oneOfTexts([
        'enqueued_tokens',
        'open_batches',
        'budget',
        'price_unknown',
        'token_limit',
        'account',
        'storage',
        'unreachable',
      ]),
    ),
  }),
  findings: excerpt(
    'findings',
    objectOf({
      line: said('Line of the request file, from 1; null for what concerns the whole file.', orNull(fromOne)),
      code: said('A stable code.', text),
      message: said('What is wrong, as a sentence.', text),
    }),
  ),
  report: objectOf({
    bucket: said('The results bucket.', text),
    key: said('The key of the report, which contains up to 1,000 findings.', text),
  }),
  joinedJobId: said(
    'The job with the same bytes. Its events and results are also those of this file.',
    jobId,
  ),
  unsuccessfulRows: said('How many rows of the joined job did not succeed.', fromOne),
  message: said('Why rows did not succeed, and what you can do.', text),
  rows: objectOf({
    total: said('All rows: the sum of the following.', count),
    succeeded: said('Rows with a result.', count),
    failed: said('Rows with an error.', count),
    expired: said('Rows that the API did not run in time.', count),
    cancelled: said('Rows that did not run because of a cancel.', count),
    missing: said('Rows that are in neither of the result files of the API.', count),
  }),
  usage: said('Tokens of all batches of the job; null if the API reported none.', orNull(USAGE)),
  cost: said(
    'What the tokens of all results cost, rows that failed after they ran included; null if the job ended before its file was planned.',
    orNull(COST),
  ),
  batches: excerpt(
    'batches of the job that ran or failed',
    objectOf({
      batchId: said("OpenAI's id of the batch.", text),
      status: said("OpenAI's last status of the batch.", text),
    }),
  ),
  results: objectOf(
    {
      bucket: said('The results bucket.', text),
      output: said('The key of the results of the rows that succeeded.', text),
      errors: said('The key of the errors of all other rows.', text),
      summary: said('The key of the summary: counts, batches, usage, times.', text),
    },
    {
      csv: said(
        'The key of the results as one table. Absent unless the file or `flatResults` asks for it.',
        text,
      ),
    },
  ),
  reason: objectOf({
    code: said('A stable code.', text),
    message: said('Why the job ended like this, as a sentence.', text),
  }),
};

/** Fields of `detail.data` of an `OpenAI Batch Job Stalled`. */
export const STALL_FIELDS: JsonFields = {
  cause: said('Why the part waits for a person.', text),
  message: said('The cause as a sentence.', text),
  requestFile: objectOf(FILE_VERSION),
  partNumber: said('Which part of the request file waits, from 1 to `plannedParts`.', fromOne),
  plannedParts: said('How many parts the request file was divided into.', fromOne),
  unresolvedCreates: said('How many creates of the part have no known outcome.', count),
  metadata: USERS_METADATA,
};

const ID: JsonSchema = { type: 'string', pattern: '^[A-Za-z0-9_-]{1,128}$' };

/** An approval request. */
export const APPROVAL_FIELDS: JsonFields = { jobId: said('The job to approve.', ID) };

/** The three forms of a cancel request. */
export const CANCEL_FORMS: readonly JsonFields[] = [
  { batchId: said("OpenAI's id of the batch.", { type: 'string', pattern: API_ID_PATTERN }) },
  { jobId: said('The job.', ID) },
  {
    bucket: said('The request bucket.', { type: 'string', pattern: '^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$' }),
    key: said('The key of the request file.', { type: 'string', minLength: 1, maxLength: 1024 }),
  },
];

/** Fields of `detail.data` of an `OpenAI Batch Approval Outcome`. */
export const APPROVAL_OUTCOME_FIELDS: JsonFields = {
  request: { ...objectOf(APPROVAL_FIELDS), description: 'The approval as it was sent.' },
  outcome: said('The outcome of the approval.', oneOfTexts(['approved', 'too_late', 'unknown'])),
  status: said(
    'The status of the job when Batchdrop read the approval; null if there is no such job.',
    orNull(text),
  ),
  message: said('The outcome as a sentence.', text),
  requestFile: objectOf(FILE_VERSION),
};

/** Fields of `detail.data` of an `OpenAI Batch Cancel Outcome`. */
export const CANCEL_FIELDS: JsonFields = {
  request: {
    ...objectOf({}, Object.assign({}, ...CANCEL_FORMS)),
    description: 'The cancel request as it was sent.',
    anyOf: CANCEL_FORMS.map((form) => ({ required: Object.keys(form) })),
  },
  outcome: said(
    'The outcome of the request.',
    oneOfTexts(['requested', 'too_late', 'unknown', 'remembered']),
  ),
  status: said(
    'The status of the batch or job when Batchdrop read the request; null if there is no such batch or job.',
    orNull(text),
  ),
  message: said('The outcome as a sentence.', text),
  requestFile: objectOf(FILE_VERSION),
};
