import { useCallback, useEffect, useState } from 'preact/hooks';
import { RequestFailure } from './request-failure.ts';

/** The answer to a request. While it is asked again, the last answer stays. */
export interface Asked<T> {
  readonly answer: T | undefined;
  readonly failure: RequestFailure | undefined;
  readonly askAgain: () => void;
}

/** Asks when the component appears and each time that one of `reasons` changes. `ask` may be undefined: nothing to ask. */
export function useAnswer<T>(ask: (() => Promise<T>) | undefined, reasons: readonly unknown[]): Asked<T> {
  const [state, setState] = useState<Pick<Asked<T>, 'answer' | 'failure'>>(NOTHING);
  const [again, setAgain] = useState(0);
  // `reasons` says when to ask.
  useEffect(() => {
    let outdated = false;
    ask?.().then(
      (answer) => outdated || setState({ answer, failure: undefined }),
      (error: unknown) => {
        if (!(error instanceof RequestFailure)) throw error;
        if (!outdated) setState(({ answer }) => ({ answer, failure: error }));
      },
    );
    return () => {
      outdated = true;
    };
  }, [...reasons, again]);
  return { ...state, askAgain: useCallback(() => setAgain((times) => times + 1), []) };
}

const NOTHING = { answer: undefined, failure: undefined };
