import { NotAllowed } from '../../domain/errors.ts';
import type { SigningSecrets } from '../../ports/ports.ts';
import { createCachedSecret, jsonFields, type SecretPlace } from './cached-secret.ts';

const REREAD_MS = 60_000; // forged requests must not make us call Secrets Manager for each

/**
 * Reads the signing secrets of webhooks from Secrets Manager. The stored text is one signing secret alone, or JSON
 * `{"secrets": [{"secret": "whsec_…", "until"?: "2026-11-30T00:00:00Z"}]}`: during a rotation two are valid.
 */
export function createSecretSigningSecrets(place: SecretPlace): SigningSecrets {
  const stored = createCachedSecret(place, parseSecrets);
  const valid = (secrets: readonly StoredSecret[]) =>
    secrets
      .filter(({ until }) => until === undefined || until > place.clock.now())
      .map(({ secret }) => secret);
  return {
    current: async () => valid(await stored.current()),
    async afterRefusal() {
      const readAt = stored.readAt();
      if (readAt !== undefined && place.clock.now() < readAt + REREAD_MS) return [];
      return valid(await stored.refresh());
    },
  };
}

/** `until`: in milliseconds. */
interface StoredSecret {
  secret: string;
  until?: number;
}

function parseSecrets(stored: string, tried: string): StoredSecret[] {
  const text = stored.trim();
  if (!text.startsWith('{')) return text === '' ? [] : [{ secret: text }];
  const { secrets } = jsonFields(text, tried);
  if (!Array.isArray(secrets)) throw new NotAllowed(`${tried}: it has no list "secrets"`);
  return secrets.map((entry: unknown) => parsedSecret(entry, tried));
}

function parsedSecret(entry: unknown, tried: string): StoredSecret {
  const { secret, until } = Object(entry);
  if (typeof secret !== 'string' || secret === '')
    throw new NotAllowed(`${tried}: one of its secrets has no "secret"`);
  if (until === undefined) return { secret };
  const time = Date.parse(String(until));
  if (Number.isNaN(time)) throw new NotAllowed(`${tried}: the "until" of one of its secrets is not a time`);
  return { secret, until: time };
}
