/**
 * Plays histories of the simulation in the tree that it stands in until one is broken: of the kinds
 * that simulation.test.ts and second-batch.test.ts play, the ones that it is asked for on its standard input.
 */
import { json } from 'node:stream/consumers';
import { noteShowsIn } from './probe-answers.ts';

const ofAll = new Set<number>();
noteShowsIn(ofAll);
const { playHistory } = await import('../simulation/world/history.ts');
const { playWithSecondBatches } = await import('../simulation/second-batches.ts');

export interface History {
  kind: 'faults' | 'second batches';
  seed: number;
}

/** One line of the output. */
export interface HistoryReport {
  shows: number[];
  broken?: string;
}

for (const { kind, seed } of (await json(process.stdin)) as History[]) {
  const shows = new Set<number>(ofAll);
  noteShowsIn(shows);
  const { broken } = kind === 'faults' ? await playHistory(seed) : await playWithSecondBatches(seed);
  const report: HistoryReport = { shows: [...shows] };
  if (broken[0] !== undefined) report.broken = `seed ${seed} of ${kind}: ${broken[0]}`;
  process.stdout.write(`${JSON.stringify(report)}\n`);
  if (broken.length > 0) break;
}
