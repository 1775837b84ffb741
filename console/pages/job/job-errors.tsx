import { escapeUnprintable } from '../../../local/unprintable.ts';
import type { ErrorKind, JobAnswer } from '../../api.ts';
import { FindingsTable } from '../../parts/findings-table.tsx';
import { Section } from '../../parts/section.tsx';
import { counted } from '../../words/amounts.ts';

/** Why rows failed: the kinds of errors, the most frequent first. */
export function ErrorKinds({ kinds }: { kinds: readonly ErrorKind[] }) {
  const most = Math.max(...kinds.map(({ count }) => count));
  return (
    <Section title="Errors">
      <ul class="error-kinds">
        {kinds.map(({ code, count, message, customIds }) => (
          <li key={code}>
            <p class="error-head">
              <code>{code}</code>
              <span class="bar" aria-hidden="true">
                <span class="fill failed" style={{ width: `${(100 * count) / most}%` }} />
              </span>
              <b>{counted(count, 'row')}</b>
            </p>
            <p>{message}</p>
            {customIds.length > 0 && (
              <p class="beneath">
                For example{' '}
                {customIds.slice(0, 3).map((id) => (
                  <code key={id}>{escapeUnprintable(id)}</code>
                ))}
              </p>
            )}
          </li>
        ))}
      </ul>
      {kinds.some(({ sampled }) => sampled) && (
        <p class="beneath">The counts are those of the first rows of a large file.</p>
      )}
    </Section>
  );
}

/** Why the file was rejected, by line. */
export function FileFindings({ findings }: { findings: NonNullable<JobAnswer['findings']> }) {
  return (
    <Section title={`${counted(findings.count, 'finding')} in the file`}>
      <FindingsTable {...findings} />
    </Section>
  );
}
