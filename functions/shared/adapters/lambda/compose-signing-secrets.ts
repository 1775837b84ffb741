import type { SigningSecrets } from '../../ports/ports.ts';
import { loadedOnce } from './late-ports.ts';
import { systemClock } from './system-clock.ts';

/** The signing secrets of webhooks, from Secrets Manager. */
export function createSigningSecrets({ WEBHOOK_SECRET_ID }: { WEBHOOK_SECRET_ID: string }): SigningSecrets {
  const load = loadedOnce(async () => {
    const { createSecretSigningSecrets } = await import('../openai/signing-secrets.ts');
    return createSecretSigningSecrets({ secretId: WEBHOOK_SECRET_ID, clock: systemClock });
  });
  return {
    current: async () => (await load()).current(),
    afterRefusal: async () => (await load()).afterRefusal(),
  };
}
