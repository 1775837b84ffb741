import { useEffect, useState } from 'preact/hooks';
import { RequestFailure } from '../../connection/request-failure.ts';
import type { Progress } from '../../connection/send-file.ts';

/** A file on its way. `share` is what has left, 0 to 1. */
export type Transfer<T> =
  | { readonly state: 'idle' }
  | { readonly state: 'sending'; readonly share: number }
  | { readonly state: 'done'; readonly answer: T }
  | { readonly state: 'failed'; readonly failure: RequestFailure };

/** Runs one transfer at a time. It ends with the component. */
export function useTransfer<T>(): [Transfer<T>, (send: (progress: Progress) => Promise<T>) => void] {
  const [transfer, setTransfer] = useState<Transfer<T>>({ state: 'idle' });
  const [ended] = useState(() => new AbortController());
  useEffect(() => () => ended.abort(), [ended]);
  const run = async (send: (progress: Progress) => Promise<T>) => {
    setTransfer({ state: 'sending', share: 0 });
    const onProgress = (share: number) => setTransfer({ state: 'sending', share });
    try {
      setTransfer({ state: 'done', answer: await send({ onProgress, signal: ended.signal }) });
    } catch (failure) {
      if (ended.signal.aborted) return;
      if (!(failure instanceof RequestFailure)) throw failure;
      setTransfer({ state: 'failed', failure });
    }
  };
  return [transfer, (send) => void run(send)];
}
