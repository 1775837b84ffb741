import { type Billed, together, totalTokens } from '../../shared/domain/money/billed.ts';
import { type Part, rowsOfAttempt } from '../../shared/domain/part.ts';
import type { UsageDifference } from '../../shared/domain/part-results.ts';
import { noteUsedRows } from '../../shared/lifecycle/spending/note-used-rows.ts';
import type { Ports } from '../../shared/ports/ports.ts';

type Usage = Billed & { usageDifferences?: UsageDifference[] };

const MAX_DIFFERENCES = 5; // in the ledger; each is logged

/**
 * Returns what the part was billed for in all its attempts; `billed` is of the present one. What the batch reports only
 * confirms that: a difference is logged and kept.
 */
export function usageOf({ log }: Pick<Ports, 'log'>, part: Part, billed: Billed): Usage {
  const { jobId, number, earlierResults } = part;
  const difference = differenceOf(part, billed);
  if (difference) {
    const { batchId, rows, batch } = difference;
    const counts = { rowsInput: rows.input, rowsOutput: rows.output, batchInput: batch.input };
    log.warn('usage_differs', { jobId, part: number, batchId, ...counts, batchOutput: batch.output });
  }
  const differences = [...(earlierResults?.usageDifferences ?? []), ...(difference ? [difference] : [])];
  return {
    ...together([earlierResults ?? {}, billed]),
    ...(differences.length > 0 ? { usageDifferences: differences.slice(0, MAX_DIFFERENCES) } : {}),
  };
}

/** A batch that reports no tokens at all says nothing. */
function differenceOf({ batch }: Part, billed: Billed): UsageDifference | undefined {
  const { inputTokens: input = 0, outputTokens: output = 0 } = batch?.usage ?? {};
  if (!batch || input + output === 0) return undefined;
  const rows = totalTokens(billed);
  if (rows.input === input && rows.output === output) return undefined;
  return { batchId: batch.batchId, rows, batch: { input, output } };
}

/** Notes for later estimates what the rows used, if the batch reports no tokens, because POLL then cannot know it. */
export async function noteUsage(
  deps: Pick<Ports, 'ledger' | 'clock' | 'log'>,
  part: Part,
  { tokens }: Billed,
): Promise<void> {
  if (!part.batch || (part.batch.usage?.inputTokens ?? 0) > 0) return;
  const sums = tokens.flatMap(({ long, ...rest }) => (long ? [rest, long] : [rest]));
  const sum = (of: (one: (typeof sums)[number]) => number) => sums.reduce((all, one) => all + of(one), 0);
  const sent = rowsOfAttempt(part);
  const rows = Math.min(
    sent.rows,
    sum((one) => one.rows),
  );
  if (rows === 0) return;
  const usage = {
    inputTokens: sum(({ input }) => input),
    cachedInputTokens: sum(({ cachedInput }) => cachedInput),
    outputTokens: sum(({ output }) => output),
  };
  const uploadBytes = (sent.uploadBytes * rows) / sent.rows;
  await noteUsedRows(deps, part.jobId, { ...sent, rows, uploadBytes, usage });
}
