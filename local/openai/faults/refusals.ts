/** Temporary refusals of the Batch API, with their observed texts. */
import { ApiError } from '../api-error.ts';
import { ORGANIZATION } from '../limits.ts';

const PROJECT = 'proj_local';

interface Refusal {
  readonly status: number;
  readonly message: string;
  readonly type?: string;
  readonly code?: string;
  readonly param?: string;
  /** Sent as `{"detail": message}`, as FastAPI does. */
  readonly isDetail?: true;
}

const quota = (code: string, message: string): Refusal => ({ status: 429, type: code, code, message });
const limit = (message: string): Refusal => ({
  status: 400,
  type: 'invalid_request_error',
  code: 'token_limit_exceeded',
  message,
});

export const REFUSALS = {
  billing_hard_limit_reached: {
    status: 400,
    code: 'billing_hard_limit_reached',
    message: 'Billing hard limit has been reached.',
  },
  insufficient_quota: quota(
    'insufficient_quota',
    'You exceeded your current quota, please check your plan and billing details.',
  ),
  credit_balance_exhausted: quota('credit_balance_exhausted', 'Your credit balance is exhausted.'),
  organization_usage_limit_exceeded: quota(
    'organization_usage_limit_exceeded',
    'The usage limit of the organization is reached.',
  ),
  organization_spend_limit_exceeded: quota(
    'organization_spend_limit_exceeded',
    'The spend limit of the organization is reached.',
  ),
  project_spend_limit_exceeded: quota(
    'project_spend_limit_exceeded',
    'The spend limit of the project is reached.',
  ),
  billing_not_active: {
    status: 429,
    type: 'billing_not_active',
    code: 'billing_not_active',
    message: 'Your account is not active, please check your billing details on our website.',
  },
  plan: {
    status: 403,
    code: 'not_available_for_plan',
    message: 'Batch processing is not available on your current plan. Please upgrade.',
  },
  storage_full: {
    status: 400,
    message: 'The storage limit of the organization is reached. Delete files, then try again.',
  },
  too_many_files: {
    status: 400,
    message: 'The maximum number of files of the resource is reached: 500 files are allowed.',
  },
  file_not_visible: {
    status: 400,
    param: 'input_file_id',
    message: `Cannot find file file-abc, or project ${PROJECT} does not have access to it.`,
  },
  input_file_not_found: { status: 404, message: 'Input file not found' },
  input_file_not_found_detail: { status: 404, message: 'Input file not found', isDetail: true },
  enqueued_tokens: limit(
    `Enqueued token limit reached for gpt-4o in organization ${ORGANIZATION}. Limit: 90,000 enqueued tokens. ` +
      'Please try again once some in_progress batches have been completed.',
  ),
  enqueued_requests: limit(
    'Enqueued request limit reached for text-embedding-3-small. Limit: 1,000,000 enqueued requests.',
  ),
  azure_enqueued_tokens: {
    status: 400,
    code: 'token_limit_exceeded',
    message:
      "The number of enqueued tokens has surpassed the configured limit of 30K for the deployment 'gpt-4o'. Please wait.",
  },
  too_many_creates: {
    status: 429,
    type: 'requests',
    code: 'rate_limit_exceeded',
    message: 'Too many batches were created within an hour.',
  },
} as const satisfies Record<string, Refusal>;

export type RefusalName = keyof typeof REFUSALS;

export function isRefusalName(name: string): name is RefusalName {
  return Object.hasOwn(REFUSALS, name);
}

/** Returns the refusal with this name. */
export function refusalCalled(name: RefusalName): ApiError {
  const { status, message, isDetail, ...details }: Refusal = REFUSALS[name];
  return new ApiError(status, message, { ...details, isDetail: isDetail ?? false });
}

/** Returns the refusal of a batch whose input file exists, but is not visible yet. */
export function fileNotVisible(fileId: string): ApiError {
  const message = `Cannot find file ${fileId}, or project ${PROJECT} does not have access to it.`;
  return new ApiError(400, message, { param: 'input_file_id' });
}
