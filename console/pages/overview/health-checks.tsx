import type { ChecksAnswer } from '../../api.ts';
import { useAnswer } from '../../connection/use-answer.ts';
import { useConsole } from '../../console-context.ts';
import { Icon } from '../../parts/icon.tsx';
import { Empty, FailureNotice } from '../../parts/notice.tsx';
import { Section } from '../../parts/section.tsx';
import type { Shape, Tone } from '../../words/statuses.ts';

type Level = ChecksAnswer['checks'][number]['level'];

const LOOKS: Readonly<Record<Level, { shape: Shape; tone: Tone; word: string }>> = {
  error: { shape: 'cross', tone: 'bad', word: 'Failed: ' },
  warning: { shape: 'triangle', tone: 'warning', word: 'Warning: ' },
  ok: { shape: 'check', tone: 'good', word: 'OK: ' },
};
const WORST_FIRST: readonly Level[] = ['error', 'warning', 'ok'];

/** What `batchdrop doctor` finds, now. */
export function HealthChecks() {
  const { api } = useConsole();
  const { answer, failure, askAgain } = useAnswer(() => api.checks(), []);
  return (
    <Section
      title="Health"
      aside={
        <button type="button" onClick={askAgain}>
          Check again
        </button>
      }
    >
      {failure && <FailureNotice failure={failure} onRetry={askAgain} />}
      {!answer && !failure && <Empty title="Checking…" />}
      <ul class="checks">
        {WORST_FIRST.flatMap((level) =>
          (answer?.checks ?? [])
            .filter((check) => check.level === level)
            .map(({ message, action }) => (
              <li key={message}>
                <Icon {...LOOKS[level]} />
                <div>
                  <span class="unseen">{LOOKS[level].word}</span>
                  {message}
                  {action !== undefined && <p class="action">{action}</p>}
                </div>
              </li>
            )),
        )}
      </ul>
    </Section>
  );
}
