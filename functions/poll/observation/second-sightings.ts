import type { OpenBatch } from '../../shared/domain/open-batch.ts';
import type { ObservedBatch } from '../../shared/domain/part.ts';

/** Another batch on a page that has an intent or a file of ours, although we know a different batch for it. */
export interface SecondSighting {
  open: OpenBatch;
  observed: ObservedBatch;
}

/**
 * Finds second batches on pages that are read anyway. A page counts only if it also shows our own batch, because a
 * gateway may show our batch under another id than the one it returned.
 */
export class SecondSightings {
  readonly #byId: ReadonlyMap<string, OpenBatch>;
  readonly #byIntent: ReadonlyMap<string, OpenBatch>;
  readonly #byFile: ReadonlyMap<string, OpenBatch>;

  constructor(open: readonly OpenBatch[]) {
    this.#byId = new Map(open.map((each) => [each.batchId, each]));
    this.#byIntent = new Map(
      open.flatMap((each) => (each.intentId === undefined ? [] : [[each.intentId, each]])),
    );
    this.#byFile = new Map(open.flatMap((each) => (each.fileId === undefined ? [] : [[each.fileId, each]])));
  }

  /** Returns the second batches on a page. */
  on(page: readonly ObservedBatch[]): SecondSighting[] {
    const shown = new Set(page.map(({ batchId }) => batchId));
    return page.flatMap((observed) => {
      if (this.#byId.has(observed.batchId)) return [];
      const open = this.#ownerOf(observed);
      return open && shown.has(open.batchId) ? [{ open, observed }] : [];
    });
  }

  /**
   * A batch with an intent in its metadata belongs to that intent, because an earlier attempt may have used the same
   * file.
   */
  #ownerOf({ metadata, inputFileId }: ObservedBatch): OpenBatch | undefined {
    const { batchdrop_intent: intentId } = metadata;
    if (intentId !== undefined) return this.#byIntent.get(intentId);
    return inputFileId === undefined ? undefined : this.#byFile.get(inputFileId);
  }
}
