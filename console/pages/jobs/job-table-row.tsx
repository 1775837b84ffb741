import { escapeUnprintable } from '../../../local/unprintable.ts';
import { addressOf } from '../../address/route.ts';
import type { JobRow } from '../../api.ts';
import { Age, TimeLeft } from '../../parts/moment.tsx';
import { JobBar } from '../../parts/row-bar.tsx';
import { JobStatusMark } from '../../parts/status-mark.tsx';
import {
  bytesText,
  counted,
  grouped,
  likelyText,
  moneyText,
  percent,
  unsuccessful,
} from '../../words/amounts.ts';
import { waitText } from '../../words/statuses.ts';

interface RowProps {
  readonly job: JobRow;
  /** As `aria-rowindex`. */
  readonly index: number;
  readonly isChosen: boolean;
  readonly onChoose: (jobId: string) => void;
}

export function JobTableRow({ job, index, isChosen, onChoose }: RowProps) {
  return (
    <tr
      id={`job-${job.jobId}`}
      class={isChosen ? 'chosen' : ''}
      aria-rowindex={index}
      aria-selected={isChosen}
      onPointerDown={() => onChoose(job.jobId)}
    >
      <td class="of-status">
        <JobStatusMark job={job} />
      </td>
      <td class="of-file">
        <a
          href={addressOf({ page: 'job', jobId: job.jobId })}
          tabIndex={-1}
          title={escapeUnprintable(job.file)}
        >
          <FileName file={escapeUnprintable(job.file)} />
        </a>
        <span class="beneath">
          <span class="wide-only">
            <code>{job.jobId.slice(0, 8)}</code> · {remark(job)}
          </span>
          <span class="narrow-only">
            <JobStatusMark job={job} /> <span>{briefly(job)}</span>
          </span>
        </span>
      </td>
      <td class="of-progress">
        <JobBar job={job} />
      </td>
      <td class="of-rows">{job.plannedRows === undefined ? '' : grouped(job.plannedRows)}</td>
      <td class="of-failed">
        <FailedRows job={job} />
      </td>
      <td class="of-cost">{costText(job)}</td>
      <td class="of-age">
        <Age since={job.createdAt} />
      </td>
      <td class="of-time-left">{!job.ended && job.expectedEnd && <TimeLeft until={job.expectedEnd} />}</td>
    </tr>
  );
}

/** The name, with its folders less important. */
function FileName({ file }: { file: string }) {
  const nameAt = file.lastIndexOf('/', file.length - 2) + 1;
  return (
    <>
      <span class="folder">{file.slice(0, nameAt)}</span>
      {file.slice(nameAt)}
    </>
  );
}

function FailedRows({ job: { rows, findings, status } }: { job: JobRow }) {
  if (status === 'rejected' && findings !== undefined)
    return <span class="bad">{counted(findings, 'finding')}</span>;
  if (!rows) return null;
  const failed = unsuccessful(rows);
  return failed === 0 ? <span class="quiet">0</span> : <span class="bad">{grouped(failed)}</span>;
}

function costText({ cost, estimate, ended }: JobRow): string {
  if (cost) return moneyText(cost);
  return estimate && !ended ? likelyText(estimate) : '';
}

/** What else there is to know, the most important only. */
function remark({ waitingFor, joinedJobId, retryOf, reason, size }: JobRow): string {
  if (waitingFor !== undefined) return `waits ${waitText(waitingFor)}`;
  if (joinedJobId !== undefined) return `joined ${joinedJobId.slice(0, 8)}`;
  if (reason !== undefined) return reason.message;
  return retryOf === undefined ? bytesText(size) : `retry of ${retryOf.slice(0, 8)}`;
}

/** What the other columns say, for a narrow window. */
function briefly(job: JobRow): string {
  const failed = job.rows === undefined ? 0 : unsuccessful(job.rows);
  const facts = [
    job.ended || job.progress === undefined ? '' : percent(job.progress),
    job.plannedRows === undefined ? '' : counted(job.plannedRows, 'row'),
    failed === 0 ? '' : `${grouped(failed)} failed`,
    costText(job),
  ];
  return facts.filter((fact) => fact !== '').join(' · ');
}
