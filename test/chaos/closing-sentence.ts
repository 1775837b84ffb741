import { isEnd } from './event-recorder.ts';
import type { ChaosReport } from './run-chaos.ts';

/** Returns one sentence about what was done and what was lost. */
export function closingSentence(report: ChaosReport, seed: number): string {
  const { blows, evidence, faults, invocationsDied, stallsEnded, complaints } = report;
  const rows = evidence.files.reduce((sum, { body }) => sum + body.trimEnd().split('\n').length, 0);
  const ends = new Map<string, Set<string>>();
  for (const { detail } of evidence.events.filter(isEnd)) {
    const status = String(detail.data.status);
    ends.set(status, (ends.get(status) ?? new Set()).add(detail.metadata.id));
  }
  const ended = [...ends].map(([status, ids]) => `${ids.size} ${status}`).join(', ');
  const met = [...faults.values()].reduce((sum, count) => sum + count, 0);
  const outcome =
    complaints.length === 0
      ? 'nothing was lost and nothing paid twice'
      : `${complaints.length} PROMISES WERE BROKEN, the first: ${complaints[0]}`;
  return (
    `Chaos with seed ${seed}: while ${blows.functionsKilled} functions were killed (${invocationsDied} invocations died), ` +
    `${blows.functionsFrozen} frozen and thawed, the runtime killed ${blows.runtimeKilled} times ` +
    `(${blows.thawedAfterTheirRuntime} functions thawed after it), ${met} requests met a fault of the Batch API and ` +
    `${blows.repetitions} deliveries were repeated, ` +
    `${stallsEnded} stalled parts were ended by hand, ${evidence.files.length} files of ${rows} rows ended (${ended}): ${outcome}.`
  );
}
