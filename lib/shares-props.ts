/**
 * How files that wait share the capacity.
 * @example { by: 'team', weights: { search: 3, '*': 1 } }
 */
export interface SharesProps {
  /**
   * Name of a metadata pair, in lower case: its value names the share of a file. With `team`, a file belongs to the share
   * that its S3 metadata `x-amz-meta-batch-team` names. Files without the pair are one share, too.
   * @default - all files are of one share, in which priorities count
   * @example 'team'
   */
  readonly by?: string | undefined;
  /**
   * Weights by the names of shares, 0.01 to 100: with `{ search: 3, '*': 1 }`, the share `search` gets three times as many
   * tokens as each other share, while both have files that wait. `*` is the weight of every share that is not named.
   * @default - every share has the weight 1
   * @example { search: 3, '*': 1 }
   */
  readonly weights?: { readonly [share: string]: number } | undefined;
}
