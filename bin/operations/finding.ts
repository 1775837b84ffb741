/** The result of a check. `note` is not a problem, but worth knowing. */
export interface Verdict {
  readonly verdict: 'ok' | 'note' | 'failed';
  readonly found: string;
  /** What the user should do. Absent with `ok`. */
  readonly advice?: string;
}

/** The result of a check, with the name of the check. */
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
