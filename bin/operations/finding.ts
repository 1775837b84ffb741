/** What a check found. `note` is no problem, but worth knowing. */
export interface Verdict {
  readonly verdict: 'ok' | 'note' | 'failed';
  readonly found: string;
  /** What to do; absent with `ok`. */
  readonly advice?: string;
}

/** The result of one check. */
export interface Finding extends Verdict {
  readonly check: string;
}

export function ok(found: string): Verdict {
  return { verdict: 'ok', found };
}

export function note(found: string, advice: string): Verdict {
  return { verdict: 'note', found, advice };
}

export function failed(found: string, advice: string): Verdict {
  return { verdict: 'failed', found, advice };
}
