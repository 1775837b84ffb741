/**
 * Whose share of the capacity a part takes. A share is the value of one pair of the file's metadata, such as the name of a
 * team. Files of a share may have different priorities: they wait in lines of their own, whose weights differ.
 */
import { createHash } from 'node:crypto';
import { MAX_SHARE_NAME } from '../../contract/open-batches.ts';
import type { Priority } from '../../contract/request-file.ts';

/** The configured shares. */
export interface Shares {
  /** The name of the metadata pair whose value names the share of a file; absent: all files are of one share. */
  by?: string;
  /** Weights by the names of shares. `*` is the weight of each other share, and of files without a name; default: 1. */
  weights: Record<string, number>;
}

/** The share and the priority of a part. */
export interface ShareOfPart {
  /** Empty when the file names none. */
  name: string;
  priority: Priority;
}

/**
 * How far a line is ahead of its fair share, in estimated tokens divided by its weight, by the line's name; negative: behind.
 * A line that is not listed is neither.
 */
export type Leads = Readonly<Record<string, number>>;

/** The leads of the lines that wait for tokens of a model, by model, and of those that wait for an open batch to end. */
export interface ShareLeads {
  models: Readonly<Record<string, Leads>>;
  batches: Leads;
}

const OTHERS = '*';
const TIMES: Readonly<Record<Priority, number>> = { high: 4, normal: 1, low: 1 / 4 };
const DIGEST = 16;

/** Returns the share of a file with this metadata. A long name ends in a digest of the whole name. */
export function shareOf(
  { by }: Shares,
  metadata: Readonly<Record<string, string>>,
  priority: Priority,
): ShareOfPart {
  const name = by !== undefined && Object.hasOwn(metadata, by) ? (metadata[by] ?? '') : '';
  if (name.length <= MAX_SHARE_NAME) return { name, priority };
  const digest = createHash('sha256').update(name).digest('hex').slice(0, DIGEST);
  return { name: `${name.slice(0, MAX_SHARE_NAME - DIGEST)}${digest}`.toWellFormed(), priority };
}

/** Returns the name of the line that parts of the share wait in. It is never empty. */
export function lineOf({ name, priority }: ShareOfPart): string {
  return `${priority} ${name}`;
}

/** Returns the weight of the line: that of its share, times 4, 1 or ¼ for its priority. */
export function weightOf({ weights }: Shares, { name, priority }: ShareOfPart): number {
  const named = Object.hasOwn(weights, name) ? weights[name] : undefined;
  return (named ?? weights[OTHERS] ?? 1) * TIMES[priority];
}

/** Returns the weight of the line of those that have none of their own. */
export function weightOfOthers({ weights }: Shares): number {
  return weights[OTHERS] ?? 1;
}

/** Returns whether two parts wait in the same line. */
export function areInOneLine(one: { share?: ShareOfPart }, other: { share?: ShareOfPart }): boolean {
  return one.share?.name === other.share?.name && one.share?.priority === other.share?.priority;
}
