import { useMemo } from 'preact/hooks';
import type { OverviewAnswer } from '../../api.ts';
import { bars } from '../../charts/bars.ts';
import { Chart } from '../../charts/chart.tsx';
import { DataTable, number } from '../../parts/data-table.tsx';
import { Empty } from '../../parts/notice.tsx';
import { Section } from '../../parts/section.tsx';
import { counted, grouped, rounded } from '../../words/amounts.ts';
import { hourText } from '../../words/times.ts';

export function RowsPerHour({ hours }: { hours: OverviewAnswer['rowsPerHour'] }) {
  const data = useMemo(
    () =>
      [hours.map(({ hour }) => Date.parse(hour) / 1_000), hours.map(({ rows }) => rows)] as [
        number[],
        number[],
      ],
    [hours],
  );
  const worked = hours.filter(({ rows }) => rows > 0).reverse();
  const total = worked.reduce((sum, { rows }) => sum + rows, 0);
  return (
    <Section title="Rows per hour" aside={<p class="quiet">{counted(total, 'row')} in 48 hours</p>}>
      {worked.length === 0 ? (
        <Empty title="No row ran in the last 48 hours" />
      ) : (
        <div class="chart-and-table">
          <Chart
            label="Bar chart: rows per hour over 48 hours"
            data={data}
            series={({ series }) => [bars(series[0] ?? '')]}
            amount={rounded}
            describe={(at) => {
              const { hour = '', rows = 0 } = hours[at] ?? {};
              return `${hourText(hour)}: ${counted(rows, 'row')}`;
            }}
          />
          <DataTable
            caption="Rows per hour, newest first"
            columns={['Hour', number('Rows')]}
            rows={worked.map(({ hour, rows }) => ({
              key: hour,
              cells: [hourText(hour), grouped(rows)],
            }))}
          />
        </div>
      )}
    </Section>
  );
}
