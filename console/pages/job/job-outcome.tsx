import type { JobAnswer } from '../../api.ts';
import { Facts } from '../../parts/facts.tsx';
import { Lasted, TimeLeft } from '../../parts/moment.tsx';
import { JobBar, OutcomeLegend } from '../../parts/row-bar.tsx';
import { Section } from '../../parts/section.tsx';
import { grouped, likelyText, moneyText, rangeText, rounded } from '../../words/amounts.ts';

/** How the job stands: figures, and rows by outcome. */
export function JobOutcome({ known }: { known: JobAnswer }) {
  const { job, usage, partCount } = known;
  const { plannedRows, cost, estimate, rows, expectedEnd, ended } = job;
  return (
    <Section title={ended ? 'Outcome' : 'Progress'}>
      <JobBar job={job} />
      {rows && rows.total > 0 && <OutcomeLegend rows={rows} />}
      <Facts
        class="figures"
        facts={[
          ['Rows', plannedRows === undefined ? '–' : grouped(plannedRows)],
          ['Batches', partCount === 0 ? '–' : grouped(partCount)],
          cost || !estimate
            ? ['Cost', cost ? moneyText(cost) : '–']
            : [
                'Estimate',
                <>
                  {likelyText(estimate)} <small>{rangeText(estimate)}</small>
                </>,
              ],
          ['Tokens', usage ? rounded(usage.totalTokens) : '–'],
          [
            ended ? 'Took' : 'Open for',
            <Lasted from={job.createdAt} to={ended ? job.changedAt : undefined} />,
          ],
          ...(ended || !expectedEnd ? [] : [['Time left', <TimeLeft until={expectedEnd} />] as const]),
        ]}
      />
    </Section>
  );
}
