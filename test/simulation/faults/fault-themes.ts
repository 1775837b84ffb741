import type { FaultKind } from './fault-kinds.ts';

type Rates = Partial<Record<FaultKind, number>>;

const STOPS: Rates = {
  'frozen before its effect': 0.012,
  'frozen before its answer': 0.012,
  'dies after its effect': 0.02,
};
const SLOW: Rates = { 'slow before its effect': 0.1, 'slow to answer': 0.1 };

/**
 * Faults about one thing that occur several times as often as usual, while no others do: some defects need three or four of
 * them at once. Each kind has its probability per call, message or tick at full intensity.
 */
export const FAULT_THEMES = {
  creates: {
    ...STOPS,
    'create duplicated': 0.3,
    'create accepted late': 0.3,
    'create accepted, answer lost': 0.25,
    'create accepted, answered 429': 0.2,
    'create accepted, answer frozen': 0.2,
    'slow down (429)': 0.1,
    'token limit': 0.5,
    'list lags': 0.5,
    'list capped': 0.9,
    'list shows an older status': 0.3,
    'odd entries on the list': 0.3,
    'not found just after create': 0.3,
    'uploaded file not visible yet': 0.3,
    'another input file id': 0.2,
    'fields missing': 0.4,
    'message twice': 0.25,
    'webhook early': 0.3,
    'rows fail for a passing reason': 0.3,
  },
  deliveries: {
    ...STOPS,
    ...SLOW,
    'dies before its effect': 0.02,
    'fails after its effect': 0.05,
    'message twice': 0.5,
    'message late': 0.3,
    'message lost': 0.2,
    'rows fail for a passing reason': 0.7,
    'rows fail or vanish': 0.4,
    'content truncated': 0.15, // more, and files are truncated for a whole day: their rows are then reported as missing
    'content 502': 0.2,
    'results late': 0.5,
    'batch expires with partial results': 0.3,
    'ledger conflict': 0.1,
    'due index stale': 0.25,
    'tick doubled': 0.3,
    'webhook early': 0.2,
    'webhook twice': 0.4,
  },
  versions: {
    ...STOPS,
    ...SLOW,
    'object overwritten': 0.8,
    'message twice': 0.4,
    'message late': 0.3,
    'message lost': 0.1,
    'messages out of order': 0.4,
    'ledger conflict': 0.1,
    'request bucket crawls': 0.4,
    'cancel outruns its file': 0.3,
    'cancel while the plan is committed': 0.3,
    'due index stale': 0.25,
    'tick doubled': 0.3,
    'clock skewed': 0.8,
  },
  accounts: {
    ...STOPS,
    'key of another account': 1,
    'create duplicated': 0.1,
    'create accepted, answer lost': 0.3,
    'create accepted late': 0.2,
    'slow down (429)': 0.1,
    'token limit': 0.3,
    'list lags': 0.5,
    'list capped': 0.9,
    'uploaded file not visible yet': 0.3,
    'call hangs': 0.03,
    'message twice': 0.3,
    'tick doubled': 0.2,
    'webhook late': 0.3,
    'rows fail for a passing reason': 0.4,
  },
  cancels: {
    ...STOPS,
    ...SLOW,
    'cancel between send and save': 0.5,
    'cancel leaves partial results': 0.6,
    'cancel loses the race': 0.4,
    'cancel outruns its file': 0.4,
    'cancel while the plan is committed': 0.4,
    'object overwritten': 0.5,
    'message twice': 0.4,
    'message late': 0.3,
    'messages out of order': 0.3,
    'token limit': 0.4,
    'rows fail for a passing reason': 0.5,
    'batch expires with partial results': 0.3,
    'webhook early': 0.3,
    'tick doubled': 0.3,
  },
} as const satisfies Record<string, Rates>;

export type FaultTheme = keyof typeof FAULT_THEMES;

/** Returns the theme of this name. Throws if there is none. */
export function faultThemeOf(name: string): FaultTheme {
  const themes = Object.keys(FAULT_THEMES) as FaultTheme[];
  const theme = themes.find((known) => known === name);
  if (!theme) throw new Error(`there is no theme "${name}"; the themes are ${themes.join(', ')}`);
  return theme;
}
