import type { TokenUsage } from '../batches/batch-record.ts';
import type { RequestRow } from '../batches/request-row.ts';
import type { Random } from '../faults/seeded-random.ts';
import type { JsonObject } from '../json.ts';

export interface Answer {
  readonly body: JsonObject;
  readonly usage: TokenUsage;
}

export interface Question {
  readonly row: RequestRow;
  /** Determines the ids. They differ from batch to batch. */
  readonly key: string;
  readonly createdSeconds: number;
  readonly inputTokens: number;
  /** The last text of the request; its custom_id if it has none. */
  readonly asked: string;
  /** Returns the numbers that determine a content. The same row gets the same ones in every batch. */
  readonly randomOf: (what: string | number) => Random;
}
