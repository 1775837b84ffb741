import { escapeUnprintable } from '../../local/unprintable.ts';
import type { JobRow } from '../api.ts';
import { counted, percent, unsuccessful } from './amounts.ts';

/** The colour of a status. Its shape and its word say the same. */
export type Tone = 'quiet' | 'busy' | 'good' | 'warning' | 'bad';

export type Shape =
  | 'dots'
  | 'diamond'
  | 'ring'
  | 'pie'
  | 'check'
  | 'cross'
  | 'stop'
  | 'clock'
  | 'slash'
  | 'link'
  | 'triangle'
  | 'arrow';

interface Look {
  readonly tone: Tone;
  readonly shape: Shape;
}

/** Of jobs and of batches, and of what was asked of them. */
const LOOKS: Readonly<Record<string, Look>> = {
  received: { tone: 'quiet', shape: 'dots' },
  unapproved: { tone: 'warning', shape: 'diamond' },
  accepted: { tone: 'busy', shape: 'ring' },
  submitted: { tone: 'busy', shape: 'pie' },
  joined: { tone: 'quiet', shape: 'link' },
  rejected: { tone: 'bad', shape: 'stop' },
  validating: { tone: 'busy', shape: 'ring' },
  in_progress: { tone: 'busy', shape: 'pie' },
  finalizing: { tone: 'busy', shape: 'pie' },
  completed: { tone: 'good', shape: 'check' },
  failed: { tone: 'bad', shape: 'cross' },
  expired: { tone: 'warning', shape: 'clock' },
  cancelling: { tone: 'quiet', shape: 'slash' },
  cancelled: { tone: 'quiet', shape: 'slash' },
  stalled: { tone: 'warning', shape: 'triangle' },
  waiting: { tone: 'busy', shape: 'clock' },
  created: { tone: 'busy', shape: 'ring' },
  approved: { tone: 'good', shape: 'check' },
  'cancel requested': { tone: 'quiet', shape: 'slash' },
  'cancel too late': { tone: 'quiet', shape: 'slash' },
};

/** A later version may have another status. */
export const lookOf = (status: string): Look => LOOKS[status] ?? { tone: 'quiet', shape: 'ring' };

/** Returns `In progress` for `in_progress`. */
export function titled(code: string): string {
  const words = code.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

const WAITS_FOR: Readonly<Record<string, string>> = {
  token_limit: 'capacity under the token limit',
  enqueued_tokens: 'capacity under the token limit',
  open_batches: 'an open batch to end',
  budget: 'the budget',
  price_unknown: 'the price of its model',
  account: 'the API to accept the account',
  storage: 'file storage at the API',
  not_visible: 'its uploaded file',
  unreachable: 'the API or AWS to answer',
  results: 'its results at the API',
};

/** Returns `for the budget`. */
export const waitText = (reason: string): string => `for ${WAITS_FOR[reason] ?? reason.replaceAll('_', ' ')}`;

/** Returns how a job stands, in one short sentence for a screen reader. */
export function standing({ file: name, status, stalled, rows, progress }: JobRow): string {
  const file = escapeUnprintable(name);
  if (stalled) return `${file} is stalled and needs you`;
  const state = `${file}: ${titled(status).toLowerCase()}`;
  const failed = rows ? unsuccessful(rows) : 0;
  if (rows)
    return `${state}, ${failed === 0 ? 'every row succeeded' : `${counted(failed, 'row')} did not succeed`}`;
  return progress === undefined ? state : `${state}, ${percent(progress)}`;
}
