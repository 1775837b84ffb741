import {
  DeleteSecretCommand,
  GetSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import {
  parseSigningSecrets,
  type StoredSecret,
  type StoredSigningSecrets,
  signingSecretsText,
} from '../../../functions/shared/adapters/openai/stored-signing-secrets.ts';
import { NotAllowed } from '../../../functions/shared/domain/errors.ts';
import { changeSecret, errorName, isMissingSecret, putSecret } from '../../connection/put-secret.ts';
import { clientConfigAt, type Target } from '../../connection/target.ts';

/** `invalid`: the functions cannot read it either. `closed`: only the functions can read it, as on one machine. */
export type ReadSecret =
  | { is: 'absent' | 'closed' }
  | { is: 'invalid'; problem: string }
  | StoredSigningSecrets;

const US = 'batchdrop webhook enable';

/** The secret in Secrets Manager with the signing secrets of webhooks. Its content is never printed. */
export class StoredWebhookSecret {
  /** Name or ARN. */
  readonly id: string;
  readonly #client: SecretsManagerClient;
  readonly #target: Target;

  constructor(target: Target, id: string) {
    this.id = id;
    this.#target = target;
    this.#client = new SecretsManagerClient(clientConfigAt(target));
  }

  /** False for an ARN, because such a secret is created elsewhere. */
  get canBeCreated(): boolean {
    return !this.id.startsWith('arn:');
  }

  async read(): Promise<ReadSecret> {
    try {
      const { SecretString = '' } = await this.#client.send(new GetSecretValueCommand({ SecretId: this.id }));
      return parseSigningSecrets(SecretString, `read the secret ${this.id}`);
    } catch (error) {
      if (isMissingSecret(error)) return { is: 'absent' };
      if (errorName(error) === 'AccessDeniedException' && this.#target.kind === 'local')
        return { is: 'closed' };
      if (error instanceof NotAllowed) return { is: 'invalid', problem: error.message };
      throw error;
    }
  }

  /** Stores the secrets in place of those that were read. Creates the secret if it does not exist. */
  async replace(known: ReadSecret, secrets: StoredSecret[]): Promise<void> {
    const createdBy = 'secrets' in known ? known.createdBy : undefined;
    const value = signingSecretsText({ secrets, ...(createdBy !== undefined && { createdBy }) });
    const description = 'Signing secrets of webhooks, written by batchdrop webhook';
    const first = signingSecretsText({ secrets, createdBy: US });
    await putSecret(this.#client, this.id, { value, first, description });
  }

  /** Deletes the secret if this CLI created it. Otherwise removes its content. */
  async remove(): Promise<'deleted' | 'emptied' | 'absent'> {
    const known = await this.read();
    if ('is' in known && known.is === 'absent') return 'absent';
    const isOurs = 'secrets' in known && known.createdBy === US;
    if (!isOurs) {
      const emptied = await changeSecret(this.#client, this.id, signingSecretsText({ secrets: [] }));
      return emptied ? 'emptied' : 'absent';
    }
    // Without a recovery period, so that the name can be reused: the secret has no value without its endpoint.
    const gone = new DeleteSecretCommand({ SecretId: this.id, ForceDeleteWithoutRecovery: true });
    await this.#client.send(gone).catch((error: unknown) => {
      if (!isMissingSecret(error)) throw error;
    });
    return 'deleted';
  }

  close(): void {
    this.#client.destroy();
  }
}
