/** Sums what jobs cost, exactly, by day, model, file, job or tag. */
import { type Amount, amountOf, decimalOf } from '../../functions/shared/domain/money/amount.ts';
import type { CostRecord } from '../../functions/shared/domain/money/cost-record.ts';

/** What a line of the report sums: `day`, `model`, `file`, `job`, or the name of a tag. */
export type CostsBy = string;

/**
 * One line of the report. Money as decimal numbers of the currency. Rows without a known price are not in it; null if no row
 * has one.
 */
export interface CostLine {
  readonly name: string;
  readonly currency: string;
  readonly jobs: number;
  /** Results that report tokens. */
  readonly rows: number;
  readonly inputTokens: number;
  readonly cachedInputTokens: number;
  readonly outputTokens: number;
  readonly list: string | null;
  readonly paid: string | null;
  readonly saved: string | null;
  /** Rows of a model without a price, and rows whose results report no tokens. */
  readonly rowsWithoutPrice: number;
}

/** The name of what has no such tag. */
const NONE = '(none)';

/** The same while it is added up. */
type Sum = {
  -readonly [Name in Exclude<
    keyof CostLine,
    'name' | 'currency' | 'list' | 'paid' | 'saved'
  >]: CostLine[Name];
} & {
  list: Amount;
  paid: Amount;
  rowsWithPrice: number;
};

/** What one job adds to a line. */
type Share = Pick<CostRecord, 'models' | 'rowsWithoutUsage'> & { name: string };

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
    return record.models.map((model) => ({ name: model.model, models: [model], rowsWithoutUsage: 0 }));
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
  return { ...none, rowsWithPrice: 0, rowsWithoutPrice: 0, list: 0n, paid: 0n };
}

function addTo(sum: Sum, { models, rowsWithoutUsage }: Omit<Share, 'name'>): void {
  sum.jobs += 1;
  sum.rowsWithoutPrice += rowsWithoutUsage;
  for (const model of models) {
    sum.rows += model.rows;
    sum.inputTokens += model.inputTokens;
    sum.cachedInputTokens += model.cachedInputTokens;
    sum.outputTokens += model.outputTokens;
    const [list, paid] = [amountOf(model.list ?? ''), amountOf(model.paid ?? '')];
    if (list === undefined || paid === undefined) {
      sum.rowsWithoutPrice += model.rows;
      continue;
    }
    sum.rowsWithPrice += model.rows;
    sum.list += list;
    sum.paid += paid;
  }
}

function lineOf(name: string, currency: string, { list, paid, rowsWithPrice, ...counts }: Sum): CostLine {
  const isUnknown = rowsWithPrice === 0 && counts.rowsWithoutPrice > 0;
  const shown = (amount: Amount) => (isUnknown ? null : decimalOf(amount));
  return { name, currency, ...counts, list: shown(list), paid: shown(paid), saved: shown(list - paid) };
}
