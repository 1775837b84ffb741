import { useMemo } from 'preact/hooks';
import type { OverviewAnswer } from '../../api.ts';
import { dots } from '../../charts/bars.ts';
import { Chart } from '../../charts/chart.tsx';
import { DataTable, number } from '../../parts/data-table.tsx';
import { Empty } from '../../parts/notice.tsx';
import { Section } from '../../parts/section.tsx';
import { momentText } from '../../words/times.ts';
import { percentile } from './percentile.ts';

/** How long after its end a batch is known to have ended. */
export function DetectionLatency({ detection }: { detection: OverviewAnswer['detection'] }) {
  const data = useMemo(
    () =>
      [detection.map(({ at }) => Date.parse(at) / 1_000), detection.map(({ seconds }) => seconds)] as [
        number[],
        number[],
      ],
    [detection],
  );
  const seconds = detection.map((detected) => detected.seconds);
  const [median, slow] = [percentile(seconds, 0.5), percentile(seconds, 0.95)];
  return (
    <Section
      title="Detection latency"
      aside={
        median !== undefined &&
        slow !== undefined && (
          <p class="quiet">
            median {secondsText(median)} · p95 {secondsText(slow)}
          </p>
        )
      }
    >
      <p class="quiet explained">From the end of a job’s last batch to its results and its event.</p>
      {detection.length === 0 ? (
        <Empty title="No batch has ended yet" />
      ) : (
        <div class="chart-and-table">
          <Chart
            label="Dot chart: seconds from the end of a batch to its event"
            data={data}
            series={({ series }) => [dots(series[0] ?? '')]}
            amount={secondsText}
            describe={(at) => {
              const known = detection[at];
              return known ? `${momentText(known.at)}: ${secondsText(known.seconds)}` : '';
            }}
          />
          <DataTable
            caption="Seconds from the end of a batch to its event, newest first"
            columns={['Batch ended', number('Seconds')]}
            rows={detection.toReversed().map(({ at, seconds: taken }, index) => ({
              key: `${at} ${index}`,
              cells: [momentText(at), taken.toFixed(1)],
            }))}
          />
        </div>
      )}
    </Section>
  );
}

function secondsText(seconds: number): string {
  return `${seconds < 10 ? Number(seconds.toFixed(1)) : Math.round(seconds)} s`;
}
