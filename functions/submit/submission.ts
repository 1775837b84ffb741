/** What the steps of a submission share. */
import type { Control } from '../shared/domain/ledger-records.ts';
import type { BatchLimits } from '../shared/domain/waiting/batch-limits.ts';
import type { PartInHand } from '../shared/lifecycle/compare-and-set.ts';
import type { LeasedPart } from '../shared/lifecycle/lease.ts';
import type { Deadline, Ports } from '../shared/ports/ports.ts';

export type SubmitDeps = Pick<
  Ports,
  'ledger' | 'clock' | 'ids' | 'log' | 'metrics' | 'api' | 'requestFiles' | 'results'
> & {
  completionWindow: string;
  limits: BatchLimits;
  /** Webhooks may report the end of a batch before it is saved. */
  webhooks?: true;
};

/** The operator's pause, the models without capacity, the open breakers, and the accounts with unresolved creates. */
export type SubmissionControl = Pick<Control, 'paused' | 'full' | 'limited' | 'breakers' | 'uncertain'>;

export type SubmissionDeps = SubmitDeps & Deadline & { control: SubmissionControl };

/** A part in hand that is also under this invocation's lease. */
export interface Submission {
  inHand: PartInHand;
  leased: LeasedPart;
}
