import type { JobAnswer } from '../../api.ts';
import { DataTable, number } from '../../parts/data-table.tsx';
import { Section } from '../../parts/section.tsx';
import { grouped, moneyText } from '../../words/amounts.ts';

/** Tokens and cost of the job, by model. */
export function JobCost({ known: { costByModel } }: { known: JobAnswer }) {
  return (
    <Section title="Tokens and cost">
      <DataTable
        caption="Tokens and cost by model"
        columns={[
          'Model',
          number('Input tokens'),
          number('of them cached'),
          number('Output tokens'),
          number('Cost'),
        ]}
        rows={costByModel.map(({ model, inputTokens, cachedInputTokens, outputTokens, cost }) => ({
          key: model,
          cells: [model, ...[inputTokens, cachedInputTokens, outputTokens].map(grouped), moneyText(cost)],
        }))}
      />
    </Section>
  );
}
