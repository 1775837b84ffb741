import type { ComponentChildren } from 'preact';
import type { JobAnswer, JobBatch, JobPart } from '../../api.ts';
import { DataTable, number } from '../../parts/data-table.tsx';
import { Lasted } from '../../parts/moment.tsx';
import { BatchBar } from '../../parts/row-bar.tsx';
import { Section } from '../../parts/section.tsx';
import { StatusMark } from '../../parts/status-mark.tsx';
import { counted, grouped } from '../../words/amounts.ts';
import { waitText } from '../../words/statuses.ts';

/** The batches of the job, by part and attempt. */
export function JobBatches({ known: { parts, partCount } }: { known: JobAnswer }) {
  return (
    <Section title="Batches">
      <DataTable
        caption="Batches by part and attempt"
        columns={['Part', number('Attempt'), 'Status', 'Processed', number('Took'), 'Model', 'Batch']}
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

/** Each batch of the part; then what it waits for, or what happens to it if it has no batch yet. */
function partRows(part: JobPart) {
  const { number: name, model, endpoint, rows, attempt, phase, batches } = part;
  const batchRows = batches.map((batch, at) => ({
    key: `${name} ${batch.batchId}`,
    cells: [at === 0 ? `${name}` : '', ...batchCells(batch, <Model name={model} endpoint={endpoint} />)],
  }));
  const why = part.stalled?.message ?? (part.waitingFor && waitText(part.waitingFor));
  if (why === undefined && batches.length > 0) return batchRows;
  const state = (
    <StatusAndReason status={part.stalled ? 'stalled' : why === undefined ? phase : 'waiting'} reason={why} />
  );
  const cells = [batches.length === 0 ? `${name}` : '', `${attempt}`, state];
  const size = <span class="quiet">{counted(rows, 'row')}</span>;
  return [
    ...batchRows,
    {
      key: `${name}`,
      cells: [...cells, size, '', <Model key="model" name={model} endpoint={endpoint} />, ''],
    },
  ];
}

function batchCells(batch: JobBatch, model: ComponentChildren) {
  const { batchId, status, attempt, createdAt, endedAt, counts, error } = batch;
  const done = counts && counts.total > 0 ? (counts.completed + counts.failed) / counts.total : undefined;
  return [
    `${attempt}`,
    <StatusAndReason key="status" status={status} share={done} reason={error} />,
    counts && <Processed key="processed" batch={batch} counts={counts} />,
    createdAt === undefined ? '' : <Lasted from={createdAt} to={endedAt} />,
    model,
    <code key="id" class="id" title={batchId}>
      {batchId}
    </code>,
  ];
}

function Processed({ batch, counts }: { batch: JobBatch; counts: NonNullable<JobBatch['counts']> }) {
  return (
    <span class="processed">
      <BatchBar
        counts={counts}
        isOpen={batch.endedAt === undefined}
        label={`Rows processed of ${batch.batchId}`}
      />
      <small>
        {grouped(counts.completed + counts.failed)} of {grouped(counts.total)}
        {counts.failed > 0 && <span class="bad">, {grouped(counts.failed)} failed</span>}
      </small>
    </span>
  );
}

function Model({ name, endpoint }: { name: string; endpoint: string }) {
  return <span title={endpoint}>{name}</span>;
}

interface StatusAndReasonProps {
  readonly status: string;
  readonly share?: number | undefined;
  readonly reason: string | undefined;
}

function StatusAndReason({ status, share, reason }: StatusAndReasonProps) {
  return (
    <span class="waiting">
      <StatusMark status={status} share={share} />
      {reason !== undefined && <small>{reason}</small>}
    </span>
  );
}
