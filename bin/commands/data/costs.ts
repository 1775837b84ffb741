import { styleText } from 'node:util';
import { Command } from 'commander';
import {
  type ConnectionOptions,
  withConnection,
  withConnectionOptions,
} from '../../connection/connection.ts';
import { placeTime, sinceTime } from '../../connection/server-time.ts';
import { costRecords } from '../../jobs/cost-records.ts';
import { type CostLine, CostReport, type CostsBy } from '../../jobs/cost-report.ts';
import { parseSince, type Since } from '../../jobs/since.ts';
import { counted, grouped } from '../../terminal/amounts.ts';
import { csvLine } from '../../terminal/csv.ts';
import { escapeControlCharacters, printableJson } from '../../terminal/escape-control-characters.ts';
import { withExamples } from '../../terminal/examples.ts';
import { moneyShown } from '../../terminal/money.ts';
import { type FormatOptions, formatOf } from '../../terminal/output-format.ts';

interface Options extends ConnectionOptions, FormatOptions {
  readonly since?: Since;
  readonly by: CostsBy;
}

/** The columns of the CSV, which are the fields of a line. */
const COLUMNS = [
  'name',
  'currency',
  'jobs',
  'rows',
  'inputTokens',
  'cachedInputTokens',
  'outputTokens',
  'list',
  'paid',
  'saved',
  'rowsWithoutPrice',
] as const satisfies readonly (keyof CostLine)[];

/** `batchdrop costs`: what ended jobs cost, summed. */
export function costsCommand(): Command {
  return withExamples(
    withConnectionOptions(
      new Command('costs')
        .summary('Sum what jobs cost')
        .description(
          'Sum the tokens of ended jobs, in and out, and what they cost: the list price, what was paid for batches, and what these saved. A job counts on the day its file arrived.',
        )
        .option('--since <time>', 'only jobs whose file arrived since: 30d, 24h, or 2026-01-31', parseSince)
        .option(
          '--by <what>',
          'one line for each day, model, file or job, or for each value of a tag, such as team',
          'day',
        ),
    ),
    'batchdrop costs --since 30d --by model',
    'batchdrop costs --by team --format csv > costs.csv',
  ).action(costs);
}

async function costs(options: Options): Promise<void> {
  await withConnection(options, async (connection) => {
    const { since, by } = options;
    const report = new CostReport(by);
    const from = since && (await sinceTime(since, connection));
    for await (const record of costRecords(connection, from)) report.add(record);
    const format = formatOf(options);
    if (format === 'jsonl') for (const line of report.lines) console.log(printableJson(line));
    else if (format === 'json')
      console.log(printableJson({ by, lines: report.lines, totals: report.totals }, 2));
    else if (format === 'csv') for (const line of csvOf(by, report.lines)) console.log(line);
    else if (report.lines.length === 0) console.log('No job has ended in this time.');
    else {
      printTable(by, report);
      if (by === 'day' && (await placeTime(connection)).isSimulated) console.log('The days are simulated.');
    }
  });
}

function csvOf(by: CostsBy, lines: readonly CostLine[]): string[] {
  const header = COLUMNS.map((column) => (column === 'name' ? by : column));
  return [header, ...lines.map((line) => COLUMNS.map((column) => cellOf(line[column])))].map(csvLine);
}

function cellOf(value: CostLine[keyof CostLine]): string | null {
  return value === null ? null : String(value);
}

function printTable(by: CostsBy, report: CostReport): void {
  const cells = (line: CostLine) => [
    escapeControlCharacters(line.name),
    grouped(line.jobs),
    grouped(line.rows),
    grouped(line.inputTokens),
    grouped(line.outputTokens),
    ...[line.list, line.paid, line.saved].map((amount) => amountShown(amount, line)),
  ];
  const header = [by.toUpperCase(), 'JOBS', 'ROWS', 'INPUT', 'OUTPUT', 'LIST', 'PAID', 'SAVED'];
  const body = report.lines.map(cells);
  const totals = report.totals.map(cells);
  const widths = header.map((name, at) =>
    Math.max(name.length, ...[...body, ...totals].map((row) => row[at]?.length ?? 0)),
  );
  const row = (texts: readonly string[]) =>
    texts
      .map((text, at) => (at === 0 ? text.padEnd(widths[at] ?? 0) : text.padStart(widths[at] ?? 0)))
      .join('  ');
  console.log(styleText('dim', row(header)));
  for (const texts of body) console.log(row(texts));
  for (const texts of totals) console.log(styleText('bold', row(texts)));
  const unpriced = report.totals.reduce((sum, { rowsWithoutPrice }) => sum + rowsWithoutPrice, 0);
  if (unpriced > 0)
    console.log(
      `+  ${counted(unpriced, 'row has', 'rows have')} no known price, and ${unpriced === 1 ? 'is' : 'are'} not in the amounts. To see the models: batchdrop costs --by model. To set prices: the prop \`prices\`, or up --prices FILE.`,
    );
}

/** `$0.12+`: and what the rows without a known price cost. */
function amountShown(amount: string | null, { currency, rowsWithoutPrice }: CostLine): string {
  if (amount === null) return 'unknown';
  return `${moneyShown(amount, currency)}${rowsWithoutPrice > 0 ? '+' : ''}`;
}
