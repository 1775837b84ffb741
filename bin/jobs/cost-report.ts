/** Sums what jobs cost, exactly, by day, model, file, job or tag. */
import { type Amount, amountOf, decimalOf } from '../../functions/shared/domain/money/amount.ts';
import type { CostRecord } from '../../functions/shared/domain/money/cost-record.ts';

/** What a line of the report sums: `day`, `model`, `file`, `job`, or the name of a tag. */
export type CostsBy = string;

/** One line of the report. Money as decimal numbers of the currency; sums leave out what has no price. */
export interface CostLine {
  readonly name: string;
  readonly currency: string;
  readonly jobs: number;
  /** Results that report tokens. */
  readonly rows: number;
  readonly inputTokens: number;
  readonly cachedInputTokens: number;
  readonly outputTokens: number;
  readonly list: string;
  readonly paid: string;
  readonly saved: string;
  /** Jobs of which a model has no price, or rows report no tokens: what is known of them is not in the sums. */
  readonly jobsWithoutPrice: number;
}

/** The name of what has no such tag. */
const NONE = '(none)';

type Counts = {
  -readonly [Name in
    | 'jobs'
    | 'rows'
    | 'inputTokens'
    | 'cachedInputTokens'
    | 'outputTokens'
    | 'jobsWithoutPrice']: CostLine[Name];
};

interface Sum extends Counts {
  list: Amount;
  paid: Amount;
}

/** What one job adds to a line. */
type Share = Pick<CostRecord, 'models' | 'list' | 'paid'> & { name: string };

/** Adds up records, and returns a line for each name. */
export class CostReport {
  readonly #by: CostsBy;
  readonly #sums = new Map<string, { name: string; currency: string; sum: Sum }>();
  readonly #totals = new Map<string, Sum>();

  constructor(by: CostsBy) {
    this.#by = by;
  }

  add(record: CostRecord): void {
    const { currency } = record;
    for (const share of sharesOf(record, this.#by)) {
      const key = `${currency} ${share.name}`;
      const known = this.#sums.get(key) ?? { name: share.name, currency, sum: nothing() };
      this.#sums.set(key, known);
      addTo(known.sum, share);
    }
    const total = this.#totals.get(currency) ?? nothing();
    this.#totals.set(currency, total);
    addTo(total, record);
  }

  /** In alphabetical order of the names. */
  get lines(): CostLine[] {
    const lines = [...this.#sums.values()].map(({ name, currency, sum }) => lineOf(name, currency, sum));
    return lines.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** One for each currency. */
  get totals(): CostLine[] {
    return [...this.#totals].map(([currency, sum]) => lineOf('total', currency, sum));
  }
}

function sharesOf(record: CostRecord, by: CostsBy): Share[] {
  if (by === 'model')
    return record.models.map((model) => ({
      name: model.model,
      models: [model],
      list: model.list,
      paid: model.paid,
    }));
  return [{ ...record, name: nameOf(record, by) }];
}

function nameOf({ jobId, receivedAt, requestFile, metadata }: CostRecord, by: CostsBy): string {
  switch (by) {
    case 'day':
      return receivedAt.slice(0, 10);
    case 'file':
      return requestFile.key;
    case 'job':
      return jobId;
    default:
      return Object.hasOwn(metadata, by) ? (metadata[by] ?? NONE) : NONE;
  }
}

function nothing(): Sum {
  const none = { jobs: 0, rows: 0, inputTokens: 0, cachedInputTokens: 0, outputTokens: 0 };
  return { ...none, jobsWithoutPrice: 0, list: 0n, paid: 0n };
}

function addTo(sum: Sum, { models, list, paid }: Omit<Share, 'name'>): void {
  sum.jobs += 1;
  for (const model of models) {
    sum.rows += model.rows;
    sum.inputTokens += model.inputTokens;
    sum.cachedInputTokens += model.cachedInputTokens;
    sum.outputTokens += model.outputTokens;
  }
  const amounts = { list: amountOf(list ?? ''), paid: amountOf(paid ?? '') };
  if (amounts.list === undefined || amounts.paid === undefined) {
    sum.jobsWithoutPrice += 1;
    return;
  }
  sum.list += amounts.list;
  sum.paid += amounts.paid;
}

function lineOf(name: string, currency: string, { list, paid, ...counts }: Sum): CostLine {
  const money = { list: decimalOf(list), paid: decimalOf(paid), saved: decimalOf(list - paid) };
  return { name, currency, ...counts, ...money };
}
