import type { ComponentChildren } from 'preact';
import type { RowCounts } from '../../functions/shared/contract/events.ts';
import type { JobRow } from '../api.ts';
import { counted, grouped, percent } from '../words/amounts.ts';
import { titled } from '../words/statuses.ts';

/** How rows end, and in which order they are shown. */
const OUTCOMES = ['succeeded', 'failed', 'expired', 'cancelled', 'missing'] as const;

/** Rows by outcome, as one bar. */
export function OutcomeBar({ rows }: { rows: RowCounts }) {
  const present = OUTCOMES.filter((outcome) => rows[outcome] > 0);
  const text = present.map((outcome) => `${grouped(rows[outcome])} ${outcome}`).join(', ');
  return (
    <span class="bar" role="img" aria-label={`${counted(rows.total, 'row')}: ${text || 'none'}`}>
      {present.map((outcome) => (
        <span key={outcome} class={`fill ${outcome}`} style={{ flexGrow: String(rows[outcome]) }} />
      ))}
    </span>
  );
}

interface BatchBarProps {
  readonly counts: { readonly total: number; readonly completed: number; readonly failed: number };
  readonly isOpen: boolean;
  readonly label: string;
}

/** How far a batch is, and how many of its rows failed. */
export function BatchBar({ counts: { total, completed, failed }, isOpen, label }: BatchBarProps) {
  const width = (rows: number) => ({ width: `${(100 * rows) / Math.max(1, total)}%` });
  return (
    <span
      class="bar"
      role="progressbar"
      aria-label={label}
      aria-valuemax={total}
      aria-valuenow={completed + failed}
    >
      <span class={`fill ${isOpen ? 'running' : 'succeeded'}`} style={width(completed)} />
      {failed > 0 && <span class="fill failed" style={width(failed)} />}
    </span>
  );
}

/** How much of a job the API has processed. */
export function ProgressBar({ share, label }: { share: number; label: string }) {
  return (
    <span class="bar" role="progressbar" aria-label={label} aria-valuenow={Math.floor(100 * share)}>
      <span class="fill running" style={{ width: `${100 * share}%` }} />
    </span>
  );
}

/** The bar of a job: its progress while it is open, its rows by outcome in the end. */
export function JobBar({ job }: { job: JobRow }) {
  const { rows, ended, progress, file } = job;
  if (rows && rows.total > 0)
    return <BarAndShare bar={<OutcomeBar rows={rows} />} share={rows.succeeded / rows.total} />;
  if (ended) return null;
  return (
    <BarAndShare bar={<ProgressBar share={progress ?? 0} label={`Progress of ${file}`} />} share={progress} />
  );
}

function BarAndShare({ bar, share }: { bar: ComponentChildren; share: number | undefined }) {
  return (
    <span class="bar-and-share">
      {bar}
      <span class="share">{share === undefined ? '' : percent(share)}</span>
    </span>
  );
}

/** What the colours of an `OutcomeBar` mean, with numbers. */
export function OutcomeLegend({ rows }: { rows: RowCounts }) {
  return (
    <ul class="legend">
      {OUTCOMES.filter((outcome) => rows[outcome] > 0 || outcome === 'succeeded').map((outcome) => (
        <li key={outcome}>
          <span class={`swatch ${outcome}`} aria-hidden="true" />
          {titled(outcome)} <b>{grouped(rows[outcome])}</b>
        </li>
      ))}
    </ul>
  );
}
