import { useMemo, useState } from 'preact/hooks';
import type { OverviewAnswer } from '../../api.ts';
import { bars } from '../../charts/bars.ts';
import { Chart } from '../../charts/chart.tsx';
import { Choice } from '../../parts/choice.tsx';
import { DataTable, number, text } from '../../parts/data-table.tsx';
import { Empty } from '../../parts/notice.tsx';
import { Section } from '../../parts/section.tsx';
import { grouped, moneyText, rounded } from '../../words/amounts.ts';
import { dayText } from '../../words/times.ts';
import { currencyOf, edges, type Measure, type StackedSpending, stackSpending } from './spending.ts';

const MEASURES: readonly { value: Measure; label: string }[] = [
  { value: 'cost', label: 'Cost' },
  { value: 'tokens', label: 'Tokens' },
];

export function Spending({ spending, spendingFrom }: Pick<OverviewAnswer, 'spending' | 'spendingFrom'>) {
  const [measure, setMeasure] = useState<Measure>('cost');
  return (
    <Section
      title="Tokens and cost by day"
      aside={
        <Choice legend="Chart of" name="measure" value={measure} choices={MEASURES} onChoose={setMeasure} />
      }
    >
      {spending.length === 0 ? (
        <Empty title={`Nothing was spent since ${dayText(spendingFrom)}`} />
      ) : (
        <div class="chart-and-table">
          <SpendingChart spending={spending} measure={measure} />
          <DataTable
            caption="Tokens and cost by day and model, newest first"
            columns={['Day', text('Model'), number('Tokens'), number('Cost')]}
            rows={spending.toReversed().map(({ day, model, tokens, cost }) => ({
              key: `${day} ${model}`,
              cells: [dayText(day), model, grouped(tokens), moneyText(cost)],
            }))}
          />
        </div>
      )}
    </Section>
  );
}

function SpendingChart({ spending, measure }: { spending: OverviewAnswer['spending']; measure: Measure }) {
  const stack = useMemo(() => stackSpending(spending, measure), [spending, measure]);
  const currency = currencyOf(spending);
  const shown = (value: number) =>
    measure === 'tokens' ? rounded(value) : moneyText({ currency, amount: value });
  const data = useMemo(
    () =>
      [stack.days.map((day) => Date.parse(`${day}T00:00`) / 1_000), ...edges(stack).reverse()] as [
        number[],
        ...number[][],
      ],
    [stack],
  );
  return (
    <div>
      <Chart
        label={`Stacked bar chart: ${measure} by day and model`}
        data={data}
        series={({ series }) => stack.models.map((_, at) => bars(series[at] ?? '')).reverse()}
        amount={shown}
        describe={(at) => describeDay(stack, at, shown)}
      />
      <ul class="legend">
        {stack.models.map(({ name }, at) => (
          <li key={name}>
            <span class={`swatch series-${at + 1}`} aria-hidden="true" /> {name}
          </li>
        ))}
      </ul>
    </div>
  );
}

function describeDay(
  { days, models }: StackedSpending,
  at: number,
  shown: (value: number) => string,
): string {
  const spent = models.map(({ name, values }) => ({ name, value: values[at] ?? 0 }));
  const total = spent.reduce((sum, { value }) => sum + value, 0);
  const named = spent.filter(({ value }) => value > 0).map(({ name, value }) => `${name} ${shown(value)}`);
  const split = named.length > 1 ? ` (${named.join(', ')})` : '';
  return `${dayText(days[at] ?? '')}: ${shown(total)}${split}`;
}
