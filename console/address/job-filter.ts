import type { JobRow } from '../api.ts';

/** `status` is `all`, `open`, `attention` (a person has to act), or a status. `search`: words of the file or the job id. */
export interface JobFilter {
  readonly status: string;
  readonly search: string;
}

export const NO_FILTER: JobFilter = { status: 'all', search: '' };

/** A choice of the filter, and how many jobs it shows. */
export interface FilterChoice {
  readonly value: string;
  readonly count: number;
}

export function filterJobs(jobs: readonly JobRow[], { status, search }: JobFilter): readonly JobRow[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return jobs.filter((job) => hasStatus(job, status) && words.every((word) => textOf(job).includes(word)));
}

/** All, open and those that need a person; then each status that a job has, the most frequent first. */
export function filterChoices(jobs: readonly JobRow[]): FilterChoice[] {
  const counts = new Map<string, number>();
  for (const { status } of jobs) counts.set(status, (counts.get(status) ?? 0) + 1);
  const counted = (value: string) => ({ value, count: jobs.filter((job) => hasStatus(job, value)).length });
  const statuses = [...counts].map(([value, count]) => ({ value, count }));
  return [
    { value: 'all', count: jobs.length },
    counted('open'),
    ...[counted('attention')].filter(({ count }) => count > 0),
    ...statuses.sort((one, other) => other.count - one.count),
  ];
}

/** A person has to approve or to repair something. */
export function needsPerson({ status, stalled }: JobRow): boolean {
  return stalled || status === 'unapproved';
}

function hasStatus(job: JobRow, wanted: string): boolean {
  if (wanted === 'all') return true;
  if (wanted === 'open') return !job.ended;
  return wanted === 'attention' ? needsPerson(job) : job.status === wanted;
}

function textOf({ file, jobId }: JobRow): string {
  return `${file} ${jobId}`.toLowerCase();
}
