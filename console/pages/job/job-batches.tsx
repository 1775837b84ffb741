import type { JobAnswer, JobBatch, JobPart } from '../../api.ts';
import { DataTable, number } from '../../parts/data-table.tsx';
import { Lasted } from '../../parts/moment.tsx';
import { BatchBar } from '../../parts/row-bar.tsx';
import { Section } from '../../parts/section.tsx';
import { StatusMark } from '../../parts/status-mark.tsx';
import { counted, grouped } from '../../words/amounts.ts';
import { titled, waitText } from '../../words/statuses.ts';

/** The batches of the job, by part and attempt. */
export function JobBatches({ known: { parts, partCount } }: { known: JobAnswer }) {
  return (
    <Section title="Batches">
      <DataTable
        caption="Batches by part and attempt"
        columns={[
          'Part',
          'Model',
          number('Rows'),
          number('Attempt'),
          'Status',
          'Processed',
          number('Took'),
          'Batch',
        ]}
        rows={parts.flatMap((part) => partRows(part))}
      />
      {partCount > parts.length && (
        <p class="beneath">
          The first {grouped(parts.length)} of {counted(partCount, 'part')}.
        </p>
      )}
    </Section>
  );
}

function partRows(part: JobPart) {
  const named = [`${part.number}`, <span title={part.endpoint}>{part.model}</span>, grouped(part.rows)];
  const batches = part.batches.map((batch, at) => ({
    key: `${part.number} ${batch.batchId}`,
    cells: [...(at === 0 ? named : ['', '', '']), ...batchCells(batch)],
  }));
  const why = part.stalled?.message ?? (part.waitingFor && waitText(part.waitingFor));
  if (why === undefined && batches.length > 0) return batches;
  const waiting = (
    <span class="waiting">
      <StatusMark status={part.stalled ? 'stalled' : 'accepted'} />
      {why !== undefined && <small>{why}</small>}
    </span>
  );
  const cells = [...(batches.length === 0 ? named : ['', '', '']), `${part.attempt}`];
  return [
    ...batches,
    { key: `${part.number}`, cells: [...cells, why ? waiting : titled(part.phase), '', '', ''] },
  ];
}

function batchCells({ batchId, status, attempt, createdAt, endedAt, counts, error }: JobBatch) {
  const done = counts && counts.total > 0 ? (counts.completed + counts.failed) / counts.total : undefined;
  return [
    `${attempt}`,
    <span class="waiting">
      <StatusMark status={status} share={done} />
      {error !== undefined && <small>{error}</small>}
    </span>,
    counts && (
      <span class="bar-and-share">
        <BatchBar counts={counts} isOpen={endedAt === undefined} label={`Rows processed of ${batchId}`} />
        <span class="share">
          {grouped(counts.completed + counts.failed)}
          {counts.failed > 0 && <span class="bad"> ({grouped(counts.failed)} failed)</span>}
        </span>
      </span>
    ),
    createdAt === undefined ? '' : <Lasted from={createdAt} to={endedAt} />,
    <code class="id" title={batchId}>
      {batchId}
    </code>,
  ];
}
