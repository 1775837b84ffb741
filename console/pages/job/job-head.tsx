import { useState } from 'preact/hooks';
import { escapeUnprintable } from '../../../local/unprintable.ts';
import { addressOf } from '../../address/route.ts';
import type { JobAnswer } from '../../api.ts';
import { useConsole } from '../../console-context.ts';
import { Notice } from '../../parts/notice.tsx';
import { JobStatusMark } from '../../parts/status-mark.tsx';
import { unsuccessful } from '../../words/amounts.ts';
import { type Action, ActionQuestion, type Done } from './action-question.tsx';

const LABELS: Readonly<Record<Action, string>> = {
  approve: 'Approve…',
  retry: 'Retry…',
  cancel: 'Cancel job…',
};

/** The name of the job, its status, and what can be done with it. */
export function JobHead({ known, onChange }: { known: JobAnswer; onChange: () => void }) {
  const { session } = useConsole();
  const [asked, setAsked] = useState<Action>();
  const [done, setDone] = useState<Done>();
  const { job } = known;
  const actions = possibleActions(known);
  return (
    <>
      <header class="job-head">
        <div>
          <h1>{escapeUnprintable(job.file)}</h1>
          <p>
            <JobStatusMark job={job} />
          </p>
        </div>
        <div class="buttons">
          {session.mayOperate
            ? actions.map((action) => (
                <button
                  key={action}
                  type="button"
                  class={action === 'approve' ? 'main' : ''}
                  onClick={() => setAsked(action)}
                >
                  {LABELS[action]}
                </button>
              ))
            : actions.length > 0 && <p class="quiet">Read-only: this session may not change jobs.</p>}
        </div>
      </header>
      <div role="status">
        {done && (
          <Notice tone={done.tone}>
            <p>
              {done.message}{' '}
              {done.jobId !== undefined && (
                <a href={addressOf({ page: 'job', jobId: done.jobId })}>Open the new job</a>
              )}
            </p>
          </Notice>
        )}
      </div>
      {asked && (
        <ActionQuestion
          action={asked}
          job={job}
          onClose={(outcome) => {
            setAsked(undefined);
            if (outcome === undefined) return;
            setDone(outcome);
            onChange();
          }}
        />
      )}
    </>
  );
}

function possibleActions({ job }: JobAnswer): Action[] {
  if (job.status === 'unapproved') return ['approve', 'cancel'];
  if (!job.ended) return ['cancel'];
  return job.rows && unsuccessful(job.rows) > 0 ? ['retry'] : [];
}
