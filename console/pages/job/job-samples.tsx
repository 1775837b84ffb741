import { useState } from 'preact/hooks';
import { escapeUnprintable } from '../../../local/unprintable.ts';
import type { JobRow, SampledRow } from '../../api.ts';
import { useAnswer } from '../../connection/use-answer.ts';
import { useConsole } from '../../console-context.ts';
import { Choice } from '../../parts/choice.tsx';
import { Empty, FailureNotice } from '../../parts/notice.tsx';
import { Section } from '../../parts/section.tsx';
import { grouped, unsuccessful } from '../../words/amounts.ts';

type Outcome = 'succeeded' | 'failed';

/** Prompts and answers of some rows, side by side. They are shown as text, whatever they contain. */
export function JobSamples({ job }: { job: JobRow }) {
  const { api } = useConsole();
  const counts = { succeeded: job.rows?.succeeded ?? 0, failed: job.rows ? unsuccessful(job.rows) : 0 };
  const [outcome, setOutcome] = useState<Outcome>(counts.succeeded > 0 ? 'succeeded' : 'failed');
  const { answer, failure, askAgain } = useAnswer(
    async () => ({ of: outcome, ...(await api.samples(job.jobId, outcome)) }),
    [job.jobId, outcome],
  );
  const rows = answer?.of === outcome ? answer.rows : undefined;
  return (
    <Section
      title="Samples"
      aside={
        <Choice
          legend="Which rows"
          name="samples"
          value={outcome}
          choices={[
            { value: 'succeeded', label: 'Succeeded', count: counts.succeeded },
            { value: 'failed', label: 'Failed', count: counts.failed },
          ]}
          onChoose={setOutcome}
        />
      }
    >
      {failure && <FailureNotice failure={failure} onRetry={askAgain} />}
      {rows === undefined && !failure && <Empty title="Reading rows…" />}
      {rows?.length === 0 && <Empty title={`No row ${outcome === 'failed' ? 'failed' : 'succeeded'}`} />}
      {rows?.map((row) => (
        <Sample key={row.customId} row={row} />
      ))}
    </Section>
  );
}

function Sample({ row: { customId, line, prompt, answer, error, cut } }: { row: SampledRow }) {
  return (
    <article class="sample">
      <h3>
        <code>{escapeUnprintable(customId)}</code>{' '}
        {line !== undefined && <span class="quiet">line {grouped(line)}</span>}
        {cut && <span class="quiet">, shortened</span>}
      </h3>
      <div class="prompt-and-answer">
        <div>
          <h4>Prompt</h4>
          <pre>{prompt ?? 'Not searched: the row lies far inside a large file.'}</pre>
        </div>
        <div>
          <h4>{error ? 'Error' : 'Answer'}</h4>
          {error ? (
            <pre class="bad">
              {error.code}
              {'\n'}
              {error.message}
            </pre>
          ) : (
            <pre>{answer}</pre>
          )}
        </div>
      </div>
    </article>
  );
}
