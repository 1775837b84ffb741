import { useState } from 'preact/hooks';
import { escapeUnprintable } from '../../../local/unprintable.ts';
import { addressOf } from '../../address/route.ts';
import type { JobAnswer, ResultFile, TimelineEntry } from '../../api.ts';
import { RequestFailure } from '../../connection/request-failure.ts';
import { useConsole } from '../../console-context.ts';
import { Facts } from '../../parts/facts.tsx';
import { Icon } from '../../parts/icon.tsx';
import { ClockTime } from '../../parts/moment.tsx';
import { Section } from '../../parts/section.tsx';
import { bytesText } from '../../words/amounts.ts';
import { lookOf, titled } from '../../words/statuses.ts';
import { momentText, span } from '../../words/times.ts';

const MOST_ENTRIES = 40;

/** What happened, oldest first, with the time between. With many batches, only what happened to the job. */
export function JobTimeline({ known: { timeline, partCount } }: { known: JobAnswer }) {
  const shown = timeline.length > MOST_ENTRIES ? timeline.filter((entry) => entry.of !== 'batch') : timeline;
  return (
    <Section title="Timeline">
      <ol class="timeline">
        {shown.map((entry, index) => (
          <li key={`${entry.status} ${entry.batchId} ${entry.at}`} class={entry.of}>
            <Icon {...lookOf(entry.status)} />
            <span>
              {entryText(entry, partCount)} <small>{sinceLast(entry, shown[index - 1])}</small>
            </span>
            <ClockTime at={entry.at} />
          </li>
        ))}
      </ol>
      {shown.length < timeline.length && <p class="beneath">The table of batches has their times.</p>}
    </Section>
  );
}

function entryText({ of, status, part }: TimelineEntry, partCount: number): string {
  if (of !== 'batch') return titled(status);
  return partCount > 1 && part !== undefined ? `Batch ${status}, part ${part}` : `Batch ${status}`;
}

function sinceLast({ at }: TimelineEntry, last: TimelineEntry | undefined): string {
  const passed = last === undefined ? 0 : Date.parse(at) - Date.parse(last.at);
  return passed < 1_000 ? '' : `+${span(passed)}`;
}

/** The files of the job. Each download gets a ticket of its own, which holds for a minute. */
export function JobFiles({ known: { job, files } }: { known: JobAnswer }) {
  const { api } = useConsole();
  const [failed, setFailed] = useState<string>();
  const download = async (file: ResultFile) => {
    try {
      const { path } = await api.ticket({ jobId: job.jobId, file });
      setFailed(undefined);
      saveFrom(path);
    } catch (error) {
      if (!(error instanceof RequestFailure)) throw error;
      setFailed(error.message);
    }
  };
  return (
    <Section title="Files">
      <ul class="files">
        {files.map(({ name, size }) => (
          <li key={name}>
            <button type="button" class="download" onClick={() => void download(name)}>
              <span>
                <span class="unseen">Download </span>
                {name}
              </span>
              <small>{bytesText(size)}</small>
            </button>
          </li>
        ))}
      </ul>
      {failed !== undefined && (
        <p role="alert" class="bad">
          {failed}
        </p>
      )}
    </Section>
  );
}

/** The page stays, even if the answer is an error. */
function saveFrom(path: string): void {
  const link = document.createElement('a');
  link.href = path;
  link.download = '';
  link.click();
}

/** Names and settings. */
export function JobDetails({ known: { job, metadata, instructions } }: { known: JobAnswer }) {
  const other = (title: string, jobId: string | undefined) =>
    jobId === undefined ? [] : [[title, <a href={addressOf({ page: 'job', jobId })}>{jobId}</a>] as const];
  return (
    <Section title="Details">
      <Facts
        facts={[
          ['Job', <code>{job.jobId}</code>],
          ['File', <code>{escapeUnprintable(job.file)}</code>],
          ['Size', bytesText(job.size)],
          ['Created', momentText(job.createdAt)],
          ...other('Joined', job.joinedJobId),
          ...other('Retry of', job.retryOf),
          ...[...Object.entries(metadata), ...Object.entries(instructions)].map(
            ([name, value]) => [escapeUnprintable(name), escapeUnprintable(value)] as const,
          ),
        ]}
      />
    </Section>
  );
}
