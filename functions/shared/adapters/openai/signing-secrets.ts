import type { SigningSecrets } from '../../ports/ports.ts';
import { createCachedSecret, type SecretPlace } from './cached-secret.ts';
import { parseSigningSecrets, type StoredSecret } from './stored-signing-secrets.ts';

const REREAD_MS = 60_000; // forged requests must not cause a call to Secrets Manager each

/** Reads the signing secrets of webhooks from Secrets Manager. */
export function createSecretSigningSecrets(place: SecretPlace): SigningSecrets {
  const stored = createCachedSecret(place, (text, tried) => parseSigningSecrets(text, tried).secrets);
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
