import type { Admitted } from '../../shared/domain/ledger-records.ts';
import type { MeasuredRows } from '../../shared/domain/money/measured-rows.ts';
import type { OpenBatch } from '../../shared/domain/open-batch.ts';
import type { ObservedBatch, Part } from '../../shared/domain/part.ts';
import type { AdmissionQueue } from '../../shared/domain/waiting/admission-queue.ts';
import type { Breaker } from '../../shared/domain/waiting/breaker.ts';

/** A completed batch, and the exact length of its uploaded rows. */
export interface CompletedBatch {
  model: string;
  uploadBytes: number;
  batch: Pick<ObservedBatch, 'usage' | 'counts'>;
}

/** What the tick has observed. */
export interface SeenByTick {
  queue: AdmissionQueue;
  /** Open batches by the names of their parts, as last observed. */
  open: ReadonlyMap<string, OpenBatch>;
  /** How many batches of each model have ended. */
  ended: ReadonlyMap<string, number>;
  /** The batches that completed, by the names of their parts. */
  completed: ReadonlyMap<string, CompletedBatch>;
  breakers: readonly Breaker[];
  /** Every part that waits was read. */
  sawAll: boolean;
  /** What rows use, by model. */
  measured: readonly MeasuredRows[];
}

/** An admission, and the state of its part. `unaware`: a tick crashed before it changed the part. */
export interface Verified {
  admitted: Admitted;
  is: 'unaware' | 'pending' | 'taken' | 'over';
  part?: Part;
}
