/**
 * The format of the secret that contains the signing secrets of webhooks: one signing secret alone, or JSON
 * `{"secrets": [{"secret": "whsec_…", "until"?: "2026-11-30T00:00:00Z"}]}`. During a rotation, two are valid. The CLI
 * also stores what it needs to recognise its own endpoints and secrets: `endpoint` and `hint` per signing secret, and
 * `createdBy` once.
 */
import { NotAllowed } from '../../domain/errors.ts';
import { jsonFields } from './cached-secret.ts';
import { present, textOf } from './loose-fields.ts';

/** One signing secret. `until`: in milliseconds; without it, the secret does not expire. */
export interface StoredSecret {
  secret: string;
  until?: number;
  /** The id of the API's webhook endpoint that uses the secret. */
  endpoint?: string;
  /** What the API shows instead of the secret. */
  hint?: string;
}

/** The parsed secret. */
export interface StoredSigningSecrets {
  secrets: StoredSecret[];
  /** Set by a program that created the secret in Secrets Manager, and may delete it. */
  createdBy?: string;
}

/** `tried`: the first words of a message. Errors: NotAllowed, whose message does not quote the text. */
export function parseSigningSecrets(stored: string, tried: string): StoredSigningSecrets {
  const text = stored.trim();
  if (!text.startsWith('{')) return { secrets: text === '' ? [] : [{ secret: text }] };
  const { secrets, createdBy } = jsonFields(text, tried);
  if (!Array.isArray(secrets)) throw new NotAllowed(`${tried}: it has no list "secrets"`);
  return {
    secrets: secrets.map((entry: unknown) => parsedSecret(entry, tried)),
    ...present({ createdBy: textOf(createdBy) }),
  };
}

/** Returns the text to store. */
export function signingSecretsText({ secrets, createdBy }: StoredSigningSecrets): string {
  const entries = secrets.map(({ until, ...entry }) => ({
    ...entry,
    ...(until === undefined ? {} : { until: new Date(until).toISOString() }),
  }));
  return JSON.stringify({ secrets: entries, createdBy });
}

function parsedSecret(entry: unknown, tried: string): StoredSecret {
  const { secret, until, endpoint, hint } = Object(entry);
  if (typeof secret !== 'string' || secret === '')
    throw new NotAllowed(`${tried}: one of its secrets has no "secret"`);
  const known = { secret, ...present({ endpoint: textOf(endpoint), hint: textOf(hint) }) };
  if (until === undefined) return known;
  const time = Date.parse(String(until));
  if (Number.isNaN(time)) throw new NotAllowed(`${tried}: the "until" of one of its secrets is not a time`);
  return { ...known, until: time };
}
