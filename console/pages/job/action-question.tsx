import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { escapeUnprintable } from '../../../local/unprintable.ts';
import type { ActionAnswer, JobRow, RetryRequest } from '../../api.ts';
import { RequestFailure } from '../../connection/request-failure.ts';
import { useAnswer } from '../../connection/use-answer.ts';
import { useConsole } from '../../console-context.ts';
import { Choice } from '../../parts/choice.tsx';
import { Question } from '../../parts/question.tsx';
import { counted, likelyText, rangeText } from '../../words/amounts.ts';
import { placeText } from '../../words/place.ts';
import type { Tone } from '../../words/statuses.ts';

export type Action = 'cancel' | 'approve' | 'retry';

/** What came of an action. */
export interface Done {
  readonly tone: Tone;
  readonly message: string;
  /** Of a new job. */
  readonly jobId: string | undefined;
}

interface ActionProps {
  readonly job: JobRow;
  /** Without an outcome, the reader changed nothing. */
  readonly onClose: (outcome?: Done) => void;
}

/** Asks whether to cancel, approve or retry a job, and does it. */
export function ActionQuestion({ action, ...props }: ActionProps & { action: Action }) {
  if (action === 'cancel') return <CancelQuestion {...props} />;
  return action === 'approve' ? <ApproveQuestion {...props} /> : <RetryQuestion {...props} />;
}

function CancelQuestion({ job, onClose }: ActionProps) {
  const { api } = useConsole();
  const [isBusy, carryOut] = useAction(() => api.cancel(job.jobId), onClose);
  return (
    <Question
      title={`Cancel ${escapeUnprintable(job.file)}?`}
      yes="Cancel the job"
      no="Keep it"
      tone="bad"
      isBusy={isBusy}
      onYes={carryOut}
      onNo={onClose}
    >
      <p>Its open batches are cancelled. Rows that have run are paid for, and their results are kept.</p>
      <Where />
    </Question>
  );
}

function ApproveQuestion({ job, onClose }: ActionProps) {
  const { api } = useConsole();
  const [isBusy, carryOut] = useAction(() => api.approve(job.jobId), onClose);
  const { plannedRows = 0, estimate } = job;
  return (
    <Question
      title={`Approve ${escapeUnprintable(job.file)}?`}
      yes="Approve"
      no="Not now"
      isBusy={isBusy}
      onYes={carryOut}
      onNo={onClose}
    >
      <p>
        {counted(plannedRows, 'row')} will be sent.
        {estimate && ` The estimate is ${likelyText(estimate)} (${rangeText(estimate)}).`}
      </p>
      <Where />
    </Question>
  );
}

const ROWS: readonly { value: RetryRequest['rows']; label: string }[] = [
  { value: 'default', label: 'Failed rows' },
  { value: 'missing', label: 'And missing rows' },
  { value: 'all', label: 'All that did not succeed' },
];

/** Each choice of rows is asked first: the answer says what would be sent. */
function RetryQuestion({ job, onClose }: ActionProps) {
  const { api } = useConsole();
  const [rows, setRows] = useState<RetryRequest['rows']>('default');
  const preview = useAnswer(
    async () => ({ rows, ...(await api.retry(job.jobId, { rows, confirmed: false })) }),
    [rows],
  );
  const [isBusy, carryOut] = useAction(() => api.retry(job.jobId, { rows, confirmed: true }), onClose);
  const known = preview.answer?.rows === rows ? preview.answer : undefined;
  return (
    <Question
      title={`Retry rows of ${escapeUnprintable(job.file)}?`}
      yes="Send these rows"
      no="Not now"
      isBusy={isBusy || known?.outcome !== 'question'}
      onYes={carryOut}
      onNo={onClose}
    >
      <Choice legend="Which rows" name="retry-rows" value={rows} choices={ROWS} onChoose={setRows} />
      <p role="status">{preview.failure?.message ?? known?.message ?? 'Counting the rows…'}</p>
      <Where />
    </Question>
  );
}

/** Which Batchdrop it happens in. */
function Where(): ComponentChildren {
  return <p class="quiet">In {placeText(useConsole().session)}.</p>;
}

/** Carries an action out once, and returns its outcome to `onClose`. */
function useAction(
  act: () => Promise<ActionAnswer>,
  onClose: (outcome: Done) => void,
): [boolean, () => void] {
  const [isBusy, setBusy] = useState(false);
  const carryOut = async () => {
    setBusy(true);
    onClose(await act().then(doneAs, failedAs));
  };
  return [isBusy, () => void carryOut()];
}

function doneAs({ outcome, message, jobId }: ActionAnswer): Done {
  return { tone: outcome === 'done' ? 'good' : 'warning', message, jobId };
}

function failedAs(error: unknown): Done {
  if (!(error instanceof RequestFailure)) throw error;
  return { tone: 'bad', message: error.message, jobId: undefined };
}
