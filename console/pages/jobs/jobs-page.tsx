import { useEffect, useMemo, useRef } from 'preact/hooks';
import { filterChoices, filterJobs, type JobFilter, NO_FILTER } from '../../address/job-filter.ts';
import { addressOf } from '../../address/route.ts';
import { amendAddress } from '../../address/use-route.ts';
import { useStore } from '../../connection/use-store.ts';
import { useConsole } from '../../console-context.ts';
import { Choice } from '../../parts/choice.tsx';
import { Empty } from '../../parts/notice.tsx';
import { counted } from '../../words/amounts.ts';
import { titled } from '../../words/statuses.ts';
import { JobTable } from './job-table.tsx';

/** All jobs: filtered, searched, and current. */
export function JobsPage({ filter }: { filter: JobFilter }) {
  const { jobs, complete } = useStore(useConsole().feed.state);
  const choices = useMemo(() => filterChoices(jobs), [jobs]);
  const shown = useMemo(() => filterJobs(jobs, filter), [jobs, filter.status, filter.search]);
  const change = (changed: Partial<JobFilter>) =>
    amendAddress({ page: 'jobs', filter: { ...filter, ...changed } });
  const kept = choices.some(({ value }) => value === filter.status)
    ? choices
    : [...choices, { value: filter.status, count: 0 }];
  return (
    <div class="jobs-page">
      <h1 class="unseen">Jobs</h1>
      <div class="filters">
        <Choice
          legend="Show jobs by status"
          name="status"
          value={filter.status}
          choices={kept.map(({ value, count }) => ({ value, count, label: LABELS[value] ?? titled(value) }))}
          onChoose={(status) => change({ status })}
        />
        <Search value={filter.search} onChange={(search) => change({ search })} />
      </div>
      <p class="unseen" role="status">
        {filter.search !== '' && `${counted(shown.length, 'job')} found`}
      </p>
      {shown.length > 0 ? (
        <JobTable jobs={shown} />
      ) : (
        <NoJobs complete={complete} filter={filter} hasJobs={jobs.length > 0} />
      )}
    </div>
  );
}

const LABELS: Readonly<Record<string, string>> = { all: 'All', open: 'Open', attention: 'Needs you' };

/** The key `/` leads to it. */
function Search({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const pressed = new AbortController();
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== '/' || event.target instanceof HTMLInputElement) return;
      event.preventDefault();
      input.current?.focus();
    };
    addEventListener('keydown', onKey, { signal: pressed.signal });
    return () => pressed.abort();
  }, []);
  return (
    <label class="search">
      <span class="unseen">Search files and job ids</span>
      <input
        ref={input}
        type="search"
        placeholder="Search files and job ids"
        autocomplete="off"
        spellcheck={false}
        value={value}
        onInput={(event) => onChange(event.currentTarget.value)}
      />
    </label>
  );
}

function NoJobs({ complete, filter, hasJobs }: { complete: boolean; filter: JobFilter; hasJobs: boolean }) {
  if (!complete) return <Empty title="Reading the jobs…" />;
  if (!hasJobs)
    return (
      <Empty title="No jobs yet">
        <p>
          <a href={addressOf({ page: 'drop' })}>Drop a file</a> of requests, or run{' '}
          <code>npx batchdrop submit FILE</code>.
        </p>
      </Empty>
    );
  return (
    <Empty title={filter.search === '' ? 'No job has this status now' : `No job matches “${filter.search}”`}>
      <p>
        <a href={addressOf({ page: 'jobs', filter: NO_FILTER })}>Show all jobs</a>
      </p>
    </Empty>
  );
}
