import type { OverviewAnswer } from '../../api.ts';
import { DataTable, number, text } from '../../parts/data-table.tsx';
import { Empty, Notice } from '../../parts/notice.tsx';
import { Section } from '../../parts/section.tsx';
import { StatusMark } from '../../parts/status-mark.tsx';
import { grouped } from '../../words/amounts.ts';
import { titled } from '../../words/statuses.ts';

export function OpenBatches({ batches }: { batches: OverviewAnswer['openBatches'] }) {
  const most = Math.max(...batches.map(({ count }) => count));
  return (
    <Section title="Open batches" class="half">
      {batches.length === 0 ? (
        <Empty title="No batch is open" />
      ) : (
        <ul class="counts">
          {batches.map(({ status, count }) => (
            <li key={status}>
              <StatusMark status={status} />
              <span class="bar" aria-hidden="true">
                <span class="fill running" style={{ width: `${(100 * count) / most}%` }} />
              </span>
              <b>{grouped(count)}</b>
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}

export function Waiting({ waiting, paused }: Pick<OverviewAnswer, 'waiting' | 'paused'>) {
  return (
    <Section title="Waiting" class="half">
      {paused && (
        <Notice tone="warning">
          <p>
            Submission is paused. <code>batchdrop resume</code> resumes it.
          </p>
        </Notice>
      )}
      {waiting.length === 0 ? (
        <Empty title="Nothing waits" />
      ) : (
        <DataTable
          caption="What waits, and why"
          columns={[text('Reason'), 'What', number('Jobs'), number('Rows')]}
          rows={waiting.map(({ reason, what, jobs, rows }) => ({
            key: `${reason} ${what}`,
            cells: [titled(reason), what, grouped(jobs), rows === undefined ? '' : grouped(rows)],
          }))}
        />
      )}
    </Section>
  );
}
