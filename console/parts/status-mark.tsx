import type { JobRow } from '../api.ts';
import { lookOf, titled } from '../words/statuses.ts';
import { Icon } from './icon.tsx';

/** A status of a job or a batch: shape, colour and word. */
export function StatusMark({ status, share }: { status: string; share?: number | undefined }) {
  return (
    <span class="status">
      <Icon {...lookOf(status)} {...(share !== undefined && { share })} />
      <span>{titled(status)}</span>
    </span>
  );
}

/** The status of a job. That somebody has to act is more important than the status. */
export function JobStatusMark({ job }: { job: JobRow }) {
  return <StatusMark status={job.stalled ? 'stalled' : job.status} share={job.progress ?? 0} />;
}
