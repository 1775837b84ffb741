import type { OddAnswer } from '../faults/odd-answers.ts';
import type { Limits } from '../limits.ts';

/** How a vendor's Batch API differs from OpenAI's. */
export interface Profile {
  /** The path of the base URL. */
  readonly basePath: string;
  /** The headers in which it accepts the API key, in lower case. */
  readonly keyHeaders: readonly ('authorization' | 'api-key')[];
  /** The completion windows that it accepts. */
  readonly windows: readonly string[];
  /** Whether each response names the organization. */
  readonly tellsOrganization: boolean;
  /** Whether a batch expires at the end of its window. */
  readonly expires: boolean;
  /** How long an uploaded file is `pending`, in milliseconds. Until then, a batch with it is refused. */
  readonly pendingMs: number;
  /** Whether a batch without failed rows has an error file of zero bytes. */
  readonly keepsEmptyErrorFile: boolean;
  /** The changes of its responses, in order. */
  readonly shapes: readonly OddAnswer[];
  /** Whether it has `/webhook_endpoints`. */
  readonly hasWebhooks: boolean;
  readonly limits: Partial<Limits>;
}
