import type { OddAnswer } from '../faults/odd-answers.ts';
import type { Limits } from '../limits.ts';

/** How a vendor's Batch API differs from OpenAI's. */
export interface Profile {
  /** The path of the base URL. */
  readonly basePath: string;
  /** The headers in which it takes the API key, in lower case. */
  readonly keyHeaders: readonly ('authorization' | 'api-key')[];
  /** The completion windows that it takes. */
  readonly windows: readonly string[];
  /** Whether each response names the organization. */
  readonly tellsOrganization: boolean;
  /** Whether a batch expires at the end of its window. */
  readonly expires: boolean;
  /** How long an uploaded file is `pending`, and a batch on it refused, in ms. */
  readonly pendingMs: number;
  /** Whether a batch without failed rows has an error file, of zero bytes. */
  readonly keepsEmptyErrorFile: boolean;
  /** Changes of its answers, in their order. */
  readonly shapes: readonly OddAnswer[];
  /** Whether it has `/webhook_endpoints`. */
  readonly hasWebhooks: boolean;
  readonly limits: Partial<Limits>;
}
