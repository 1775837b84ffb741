import { FUNCTION_NAMES } from '../../../lib/stages/function-bundles.ts';
import {
  type CountedCalls,
  type Counts,
  type CountsByFunction,
  ledgerReads,
  ledgerWrites,
  ofAll,
  plusByFunction,
  sumOf,
} from './call-counts.ts';

type Row = readonly (string | number)[];

/** The functions of every Batchdrop; START and ANSWER exist only with `startAndWait`. */
const COLUMNS = FUNCTION_NAMES.filter((name) => name !== 'start' && name !== 'answer');

/** The groups of rows in the table of calls, in order. */
const GROUPS = [
  { sum: 'ledger reads', kinds: /^ledger (GetItem|Query)/ },
  { sum: 'ledger writes', kinds: /^ledger (PutItem|UpdateItem|DeleteItem)/ },
  { sum: 'ledger writes that failed their condition', kinds: /^ledger writes that failed/, isOne: true },
  { sum: 'reads of the index', kinds: /^index /, isOne: true },
  { kinds: /^S3 / },
  { kinds: /^SQS |^message/ },
  { kinds: /^EventBridge |^event/ },
  { kinds: /^Secrets Manager / },
  { kinds: /^Batch API / },
  { kinds: /^invocations/ },
  { kinds: /^(read|write) units/ },
];

/** Returns a table in Markdown. */
export function table(head: Row, rows: readonly Row[]): string {
  const lines = [head, head.map(() => '---'), ...rows];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** Returns a Markdown table of the small job's calls: a row per kind of call, a column per function, and one per tick. */
export function callsTable({ smallJob, tick }: CountedCalls): string {
  const columns = [...COLUMNS.map((name) => smallJob[name] ?? {}), ofAll(smallJob), tick];
  const known = [...new Set(columns.flatMap((counts) => Object.keys(counts)))].toSorted();
  const cells = (kinds: RegExp) => columns.map((counts) => sumOf(counts, kinds));
  const rows = GROUPS.flatMap(({ sum, kinds, isOne }): Row[] => {
    const ofGroup = isOne ? [] : known.filter((kind) => kinds.test(kind));
    const rest = ofGroup.map((kind) => [
      kind.replace(/^ledger /, ''),
      ...columns.map((counts) => counts[kind] ?? 0),
    ]);
    return sum === undefined ? rest : [[`**${sum}**`, ...cells(kinds)], ...rest];
  });
  const names = COLUMNS.map((name) => name.toUpperCase());
  return table(['', ...names, 'the job', 'per tick'], rows);
}

/** Returns a Markdown table of what adds calls to the small job. */
export function moreCallsTable(calls: CountedCalls): string {
  const large = plusByFunction(calls.largeJob, plusByFunction(calls.smallJob, calls.furtherStatus, 1), -1);
  const rows: [string, CountsByFunction][] = [
    ['POLL observes one more status', calls.furtherStatus],
    ['POLL observes no change in one more tick', calls.tickWithoutNews],
    ['the batch runs 15 minutes longer, with one tick in that time', calls.quarterOfAnHour],
    ['the file and the results have 20 MB each', large],
  ];
  return table(
    ['added calls if', 'ledger reads', 'ledger writes', 'other calls'],
    rows.map(([what, counts]) => {
      const all = ofAll(counts);
      return [what, ledgerReads(all), ledgerWrites(all), otherCalls(all)];
    }),
  );
}

function otherCalls(counts: Counts): string {
  const calls = Object.entries(counts).filter(([kind]) => /^(S3|SQS|EventBridge|Secrets|Batch)/.test(kind));
  return calls.map(([kind, times]) => `${kind} ${times > 0 ? '+' : ''}${times}`).join(', ');
}
