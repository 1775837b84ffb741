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
  if (job.rows && job.rows.total > 0) return <OutcomeBar rows={job.rows} />;
  if (job.ended) return null;
  return (
    <span class="bar-and-share">
      <ProgressBar share={job.progress ?? 0} label={`Progress of ${job.file}`} />
      <span class="share">{job.progress === undefined ? '' : percent(job.progress)}</span>
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
