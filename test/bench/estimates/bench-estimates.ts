/**
 * How good estimates are: `npm run bench:estimates`. Jobs of each workload are read as INTAKE reads them, estimated, and then
 * measured as POLL measures a batch. It prints a table, and exits with 1 if a goal is missed:
 *   - after the first batch of a model, the likely cost is on average within 15 % of the true cost. How far it is at the
 *     most in nine of ten jobs is in the table: a job of a hundred rows with long-tailed answers varies by more than that
 *   - at least 95 % of true costs lie within low and high, those of first batches included
 */
import { estimateOf, isLimited } from '../../../functions/shared/domain/money/estimate.ts';
import { type MeasuredRows, withMeasured } from '../../../functions/shared/domain/money/measured-rows.ts';
import { PriceList } from '../../../functions/shared/domain/money/price-list.ts';
import { NO_TOKENS } from '../../../functions/shared/domain/money/token-counts.ts';
import { validateRequestFile } from '../../../functions/shared/request-file/validate-request-file.ts';
import { createInMemoryRowTables } from '../../fakes/in-memory-row-tables.ts';
import { seededRandom } from '../../fakes/seeded-random.ts';
import { type BenchRow, WORKLOADS, type Workload } from './workloads.ts';

const SERIES = 8; // each begins without any measurement
const JOBS = 15;
const FEWEST_ROWS = 100;
const MOST_ROWS = 2_000;
const MAX_ERROR = 0.15;
const MIN_COVERED = 0.95;

const PRICES = new PriceList().at(Date.UTC(2026, 10, 29));

/** One job: how far its likely cost was from the true one, relative to it, and whether that lies in the range. */
interface Estimated {
  readonly isFirst: boolean;
  readonly error: number;
  readonly isCovered: boolean;
  readonly width: number;
}

async function estimated(workload: Workload): Promise<Estimated[]> {
  const all: Estimated[] = [];
  for (let series = 0; series < SERIES; series += 1) {
    const random = seededRandom(1_000 + series);
    let measured: MeasuredRows[] = [];
    for (let job = 0; job < JOBS; job += 1) {
      const rows = Math.round(FEWEST_ROWS * (MOST_ROWS / FEWEST_ROWS) ** random());
      const outcome = await jobOutcome(workload.job(rows, random), measured);
      all.push({ ...outcome.estimated, isFirst: job === 0 });
      measured = outcome.parts.reduce((known, part) => withMeasured(known, part, job), measured);
    }
  }
  return all;
}

async function jobOutcome(rows: readonly BenchRow[], measured: readonly MeasuredRows[]) {
  const file = Buffer.from(rows.map(({ line }) => `${line}\n`).join(''));
  const checked = await validateRequestFile(async function* () {
    yield file;
  }, createInMemoryRowTables());
  if (checked.verdict === 'bad') throw new Error(checked.findings[0]?.message);
  const [part, ...others] = checked.parts;
  if (!part || others.length > 0) throw new Error(`${checked.parts.length} parts; a workload has one`);
  const usage = {
    inputTokens: rows.reduce((sum, { input }) => sum + input, 0),
    cachedInputTokens: 0,
    outputTokens: rows.reduce((sum, { output }) => sum + output, 0),
  };
  const { cost } = estimateOf(part, measured, PRICES);
  const tokens = { ...NO_TOKENS, input: usage.inputTokens, output: usage.outputTokens };
  const paid = PRICES.costOf({ model: part.model, rows: part.rows, ...tokens })?.paid;
  if (!cost || paid === undefined) throw new Error(`no price is known for ${part.model}`);
  const { low, likely, high } = cost;
  const error = Math.abs(Number(likely) / Number(paid) - 1);
  const isCovered = low <= paid && (!isLimited(high) || paid <= high);
  const width = isLimited(high) ? Number(high) / Number(low) : Number.POSITIVE_INFINITY;
  return { estimated: { error, isCovered, width }, parts: [{ ...part, usage }] };
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

const quantile = (numbers: readonly number[], share: number) =>
  numbers.toSorted((a, b) => a - b)[Math.min(numbers.length - 1, Math.floor(share * numbers.length))] ?? NaN;

let isMissed = false;
console.log(
  '| workload | error of the first | mean error after it | 90 % below | true cost within | high ÷ low |',
);
console.log('| --- | --- | --- | --- | --- | --- |');
for (const workload of WORKLOADS) {
  const all = await estimated(workload);
  const later = all.filter(({ isFirst }) => !isFirst);
  const errors = later.map(({ error }) => error);
  const nineOfTen = quantile(errors, 0.9);
  const covered = all.filter(({ isCovered }) => isCovered).length / all.length;
  const first = all.filter(({ isFirst }) => isFirst).map(({ error }) => error);
  const widths = quantile(
    later.map(({ width }) => width),
    0.5,
  );
  const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length;
  if (mean > MAX_ERROR || covered < MIN_COVERED) isMissed = true;
  console.log(
    `| ${workload.name} | ${percent(quantile(first, 0.5))} | ${percent(mean)} | ${percent(nineOfTen)} | ${percent(covered)} | ${widths.toFixed(1)} |`,
  );
}
console.log(
  `\nGoals: mean error after the first batch at most ${percent(MAX_ERROR)}; within low and high at least ${percent(MIN_COVERED)}.`,
);
if (isMissed) {
  console.log('A goal is missed.');
  process.exitCode = 1;
}
