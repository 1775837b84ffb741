import type { Ports } from '../shared/ports/ports.ts';

const EVERY_MS = 60_000;

/**
 * The note in the ledger of when the last genuine webhook was received. `batchdrop webhook status` and `doctor` show
 * it, and `batchdrop webhook test` waits until it changes. The API's test event names an unknown batch whose id cannot
 * be known in advance. Therefore the note contains the time and not the id, and each webhook for an unknown batch
 * writes it at once.
 */
export class WebhookNote {
  readonly #deps: Pick<Ports, 'ledger' | 'clock'>;
  #writtenAt = Number.NEGATIVE_INFINITY;

  constructor(deps: Pick<Ports, 'ledger' | 'clock'>) {
    this.#deps = deps;
  }

  /**
   * Writes the note, unless this instance of the function wrote it within the last minute. Returns whether it was
   * written. Errors: RetryableError.
   */
  async keep(): Promise<boolean> {
    if (this.#deps.clock.now() < this.#writtenAt + EVERY_MS) return false;
    await this.write();
    return true;
  }

  /** Writes the note. Errors: RetryableError. */
  async write(): Promise<void> {
    const now = this.#deps.clock.now();
    await this.#deps.ledger.noteWebhook(now);
    this.#writtenAt = now;
  }
}
