import { useEffect } from 'preact/hooks';
import type { FileCheck } from '../../api.ts';
import { useConsole } from '../../console-context.ts';
import { Facts } from '../../parts/facts.tsx';
import { FindingsTable } from '../../parts/findings-table.tsx';
import { Icon } from '../../parts/icon.tsx';
import { FailureNotice, Notice } from '../../parts/notice.tsx';
import { ProgressBar } from '../../parts/row-bar.tsx';
import { Section } from '../../parts/section.tsx';
import { bytesText, counted, grouped, likelyText, rangeText } from '../../words/amounts.ts';
import { SendFile } from './send-file-form.tsx';
import { type Transfer, useTransfer } from './use-transfer.ts';

/** Checks the file, and shows what it found: what is wrong, or what it will cost and how to send it. */
export function CheckedFile({ file }: { file: File }) {
  const { api, session } = useConsole();
  const [check, run] = useTransfer<FileCheck>();
  const isTooLarge = file.size > session.maxUploadBytes;
  const begin = () => run((progress) => api.check(file.name, file, progress));
  // Once for each file.
  useEffect(() => {
    if (!isTooLarge) begin();
  }, [file]);
  return (
    <Section title={file.name} aside={<p class="quiet">{bytesText(file.size)}</p>}>
      {isTooLarge && (
        <Notice tone="bad">
          <p>
            This page sends files of up to {bytesText(session.maxUploadBytes)}. Send a larger one with{' '}
            <code>batchdrop submit</code>.
          </p>
        </Notice>
      )}
      <CheckState check={check} onRetry={begin} />
      {check.state === 'done' && check.answer.findingCount > 0 && (
        <FindingsTable count={check.answer.findingCount} first={check.answer.findings} />
      )}
      {check.state === 'done' && check.answer.findingCount === 0 && (
        <>
          <Forecast check={check.answer} />
          <SendFile file={file} />
        </>
      )}
    </Section>
  );
}

/** The live region is there from the start: a screen reader then says how the check ended. */
function CheckState({ check, onRetry }: { check: Transfer<FileCheck>; onRetry: () => void }) {
  return (
    <>
      {check.state === 'sending' && <ProgressBar share={check.share} label="Sent to be checked" />}
      {check.state === 'failed' && <FailureNotice failure={check.failure} onRetry={onRetry} />}
      <p role="status" class="check-state">
        {check.state === 'sending' && 'Checking each row…'}
        {check.state === 'done' && (
          <>
            <Icon {...(check.answer.findingCount === 0 ? GOOD : BAD)} /> {verdict(check.answer)}
          </>
        )}
      </p>
    </>
  );
}

const GOOD = { shape: 'check', tone: 'good' } as const;
const BAD = { shape: 'stop', tone: 'bad' } as const;

function verdict({ findingCount, rows }: FileCheck): string {
  if (findingCount === 0) return `${counted(rows, 'row')} passed all checks. Nothing was sent yet.`;
  return `${counted(findingCount, 'finding')}. The file would be rejected. Correct it, then choose it again.`;
}

function Forecast({ check: { rows, parts, estimate } }: { check: FileCheck }) {
  return (
    <Facts
      class="figures"
      facts={[
        ['Rows', grouped(rows)],
        ['Batches', grouped(parts)],
        [
          'Estimate',
          estimate ? (
            <>
              {likelyText(estimate)} <small>{rangeText(estimate)}</small>
            </>
          ) : (
            'unknown'
          ),
        ],
      ]}
    />
  );
}
