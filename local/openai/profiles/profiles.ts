/**
 * Vendors with OpenAI's Batch API. The profiles follow public reports about their responses and were not tested with
 * the vendors themselves. docs/vendors.md describes each profile.
 */
import { ODD_ANSWERS, withPendingFiles } from '../faults/odd-answers.ts';
import type { Profile } from './profile.ts';

const OPENAI: Profile = {
  basePath: '/v1',
  keyHeaders: ['authorization'],
  windows: ['24h'],
  tellsOrganization: true,
  expires: true,
  pendingMs: 0,
  keepsEmptyErrorFile: false,
  shapes: [],
  hasWebhooks: true,
  limits: {},
};

/** No public report says that a program can register a webhook at another vendor. */
const OTHER: Profile = { ...OPENAI, hasWebhooks: false };

const SECOND = 1_000;
const AZURE_PENDING_MS = 30 * SECOND;
const DAYS_OF_GROQ = [1, 2, 3, 4, 5, 6, 7];

export const PROFILES = {
  openai: OPENAI,
  /**
   * Its lists have only `data` and `object`, and no paging. A batch without failed rows has an empty object as its
   * error file.
   */
  groq: {
    ...OTHER,
    basePath: '/openai/v1',
    windows: ['24h', ...DAYS_OF_GROQ.map((days) => `${days}d`)],
    tellsOrganization: false,
    shapes: [ODD_ANSWERS['bare-list'], ODD_ANSWERS['empty-fields']],
  },
  /** The model is a deployment. Uploads are pending for a time, counts are null, and batches do not expire. */
  azure: {
    ...OTHER,
    basePath: '/openai/v1',
    keyHeaders: ['api-key', 'authorization'],
    tellsOrganization: false,
    expires: false,
    pendingMs: AZURE_PENDING_MS,
    keepsEmptyErrorFile: true,
    shapes: [withPendingFiles(AZURE_PENDING_MS), ODD_ANSWERS['no-counts']],
    limits: { rows: 100_000 },
  },
  deepinfra: { ...OTHER, basePath: '/v1/openai', tellsOrganization: false },
} as const satisfies Record<string, Profile>;

type ProfileName = keyof typeof PROFILES;

/** Returns the profile of a vendor. Throws an Error with the known names. */
export function profileCalled(name: string): Profile {
  if (isProfile(name)) return PROFILES[name];
  throw new Error(`there is no profile ${name}, only ${Object.keys(PROFILES).join(', ')}`);
}

function isProfile(name: string): name is ProfileName {
  return Object.hasOwn(PROFILES, name);
}
