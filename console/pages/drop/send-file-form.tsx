import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { addressOf } from '../../address/route.ts';
import type { UploadAnswer } from '../../api.ts';
import { useConsole } from '../../console-context.ts';
import { FailureNotice, Notice } from '../../parts/notice.tsx';
import { ProgressBar } from '../../parts/row-bar.tsx';
import { percent } from '../../words/amounts.ts';
import { useTransfer } from './use-transfer.ts';

/** Sends a checked file, and leads to its job. */
export function SendFile({ file }: { file: File }) {
  const { api } = useConsole();
  const [name, setName] = useState(file.name);
  const [sent, run] = useTransfer<UploadAnswer>();
  const id = useId();
  const send = () => run((progress) => api.upload(name, file, progress));
  if (sent.state === 'done') return <Sent answer={sent.answer} />;
  return (
    <form
      class="send"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <label for={id}>Name in the bucket</label>
      <div class="name-and-send">
        <input
          id={id}
          required
          value={name}
          autocomplete="off"
          spellcheck={false}
          onInput={(event) => setName(event.currentTarget.value)}
        />
        <button type="submit" class="main" disabled={sent.state === 'sending'}>
          Send the file
        </button>
      </div>
      {sent.state === 'sending' && (
        <span class="bar-and-share">
          <ProgressBar share={sent.share} label={`Upload of ${name}`} />
          <span class="share">{percent(sent.share)}</span>
        </span>
      )}
      {sent.state === 'failed' && <FailureNotice failure={sent.failure} onRetry={send} />}
    </form>
  );
}

/** The link has the focus, because the button that had it is gone. */
function Sent({ answer: { key, jobId } }: { answer: UploadAnswer }) {
  const link = useRef<HTMLAnchorElement>(null);
  useEffect(() => link.current?.focus(), []);
  return (
    <Notice tone="good">
      <p role="status">
        {key} was sent.{' '}
        <a ref={link} href={addressOf({ page: 'job', jobId })}>
          Open its job
        </a>
      </p>
    </Notice>
  );
}
