import { isOver } from '../../../functions/shared/domain/job.ts';
import type { RequestFiles } from '../../../functions/shared/ports/ports.ts';
import type { InMemoryLedger } from '../../fakes/in-memory-ledger.ts';

/** Watches the tag of an ended job, because lifecycle rules may delete objects that have it. */
export class TagWatch {
  readonly #ledger: Pick<InMemoryLedger, 'jobs'>;
  /** Versions that were tagged before their job had ended. */
  readonly early: string[] = [];
  /** How often a version was tagged. */
  tagged = 0;

  constructor(ledger: Pick<InMemoryLedger, 'jobs'>) {
    this.#ledger = ledger;
  }

  watched(files: RequestFiles): RequestFiles {
    return {
      ...files,
      tagEnded: (file) => {
        const job = this.#ledger.jobs().find(({ request }) => request.versionId === file.versionId);
        this.tagged += 1;
        if (!job || !isOver(job)) this.early.push(`${file.versionId} of a job that is ${job?.status}`);
        return files.tagEnded(file);
      },
    };
  }
}
