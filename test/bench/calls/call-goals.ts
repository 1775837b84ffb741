import { type CountedCalls, type Counts, ledgerReads, ledgerWrites, ofAll } from './call-counts.ts';
import { table } from './calls-table.ts';

const MAX_LEDGER_READS = 22;
const MAX_LEDGER_WRITES = 22;
const MAX_WRITES_PER_STATUS = 2;

const JOBS_AND_PARTS = /: (job|part|parts of a job)$/;

/** One goal and its result. */
interface Goal {
  readonly counted: string;
  readonly found: number;
  /** The part of `found` on jobs and parts. */
  readonly onJobsAndParts: number;
  readonly max: number;
}

/** Returns the goals with their results. */
function goalsOf({ smallJob, furtherStatus }: CountedCalls): Goal[] {
  const [job, status] = [ofAll(smallJob), ofAll(furtherStatus)];
  return [
    goal('ledger reads of the small job', job, ledgerReads, MAX_LEDGER_READS),
    goal('ledger writes of the small job', job, ledgerWrites, MAX_LEDGER_WRITES),
    goal('ledger writes per further status', status, ledgerWrites, MAX_WRITES_PER_STATUS),
  ];
}

function goal(counted: string, counts: Counts, count: (counts: Counts) => number, max: number): Goal {
  const ofThese = Object.entries(counts).filter(([kind]) => JOBS_AND_PARTS.test(kind));
  return { counted, found: count(counts), onJobsAndParts: count(Object.fromEntries(ofThese)), max };
}

/** Returns true if no goal is missed. */
export function meetsGoals(calls: CountedCalls): boolean {
  return goalsOf(calls).every(({ found, max }) => found <= max);
}

/** Returns a section in Markdown that shows each goal, its result, and what is counted. */
export function goalsSection(calls: CountedCalls): string {
  const rows = goalsOf(calls).map(({ counted, found, onJobsAndParts, max }) => [
    counted,
    found,
    onJobsAndParts,
    max,
    found > max ? 'missed' : 'met',
  ]);
  const kinds = ledgerKinds(ofAll(calls.smallJob)).join(', ');
  return [
    '## Goals',
    `A goal counts all ledger calls of the job, on items of every kind: ${kinds}. It does not count the calls that POLL makes in each tick, with or without jobs. The earlier figures of 61 reads and 34 writes counted jobs and parts only.`,
    table(['goal', 'all ledger calls', 'of these, on jobs and parts', 'at most', 'result'], rows),
  ].join('\n\n');
}

/** Returns the kinds of items in the ledger calls, such as `job`. */
function ledgerKinds(counts: Counts): string[] {
  const kinds = Object.keys(counts).flatMap((kind) => /^ledger \w+: (.*)$/.exec(kind)?.[1] ?? []);
  return [...new Set(kinds)].filter((kind) => kind !== 'parts of a job').toSorted();
}
