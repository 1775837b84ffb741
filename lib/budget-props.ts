/**
 * What Batchdrop may spend at the API, in the currency of `prices`. Days and months are those of UTC.
 * @example { perDay: 200, by: 'team', each: { search: 50 }, others: 20 }
 */
export interface BudgetProps {
  /**
   * What all files together may cost in a day.
   * @default - any amount
   * @example 200
   */
  readonly perDay?: number | undefined;
  /**
   * What all files together may cost in a month.
   * @default - any amount
   * @example 3_000
   */
  readonly perMonth?: number | undefined;
  /**
   * Name of a metadata pair, in lower case: its value names the group of a file. With `team`, a file belongs to the group
   * that its S3 metadata `x-amz-meta-batch-team` names.
   * @default - no groups
   * @example 'team'
   */
  readonly by?: string | undefined;
  /**
   * What the files of a group may cost in a day, by the name of the group: `{ search: 50 }`.
   * @default - any amount
   * @example { search: 50, ads: 20 }
   */
  readonly each?: { readonly [group: string]: number } | undefined;
  /**
   * What the files of a group may cost in a month, by the name of the group.
   * @default - any amount
   * @example { search: 1_000 }
   */
  readonly eachPerMonth?: { readonly [group: string]: number } | undefined;
  /**
   * What all groups that are named in neither `each` nor `eachPerMonth` may cost in a day, together with files without a
   * group.
   * @default - any amount
   * @example 20
   */
  readonly others?: number | undefined;
  /**
   * What all these may cost in a month.
   * @default - any amount
   * @example 400
   */
  readonly othersPerMonth?: number | undefined;
  /**
   * Cancel the batches that run once a budget that pays for them is used up, because delivered batches did cost more than
   * was estimated. Rows that the API has processed by then are billed and delivered; the others end as cancelled. Batches
   * of approved jobs go on.
   * @default false - batches that run are never cancelled for a budget
   * @example true
   */
  readonly stopAtBudget?: boolean | undefined;
}
