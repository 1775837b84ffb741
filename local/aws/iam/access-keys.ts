import type { IncomingMessage } from 'node:http';
import { AwsError } from '../protocol/aws-error.ts';
import { ACCOUNT_OWNER, type Caller } from './caller.ts';
import { authorizationOf, type Credentials, isSignedWith, signingTime } from './signature.ts';

/** The access keys of the functions. */
export interface FunctionKeys {
  /** Returns the caller for an access key. */
  callerWith(accessKeyId: string): Caller;
  /** Returns the secret of a function's access key; undefined for any other key. */
  secretOf(accessKeyId: string): string | undefined;
}

interface Keys {
  /** By default there are no functions. */
  readonly identities?: FunctionKeys;
  /** The only key of the account's owner. Without it, every other key is the owner's, and no signature is verified. */
  readonly owner?: Credentials;
  /** The functions' time, in milliseconds since the epoch. */
  readonly functionNow: () => number;
}

const MAX_SKEW_MS = 15 * 60_000; // as AWS

/**
 * Returns who sent a request. A function's key is useless without its secret, which differs in each run, so that nobody
 * else can read what only the functions may read. Throws an AwsError with status 403.
 */
export class AccessKeys {
  readonly #keys: Keys;

  constructor(keys: Keys) {
    this.#keys = keys;
  }

  /** `readBody` returns the body, or undefined if the service itself compares the body with its signed hash. */
  async callerOf(request: IncomingMessage, readBody: () => Promise<Uint8Array | undefined>): Promise<Caller> {
    const { identities, owner } = this.#keys;
    const authorization = authorizationOf(request);
    const accessKeyId = authorization?.accessKeyId ?? '';
    const functionSecret = identities?.secretOf(accessKeyId);
    const ownerSecret = accessKeyId === owner?.accessKeyId ? owner.secretAccessKey : undefined;
    const secret = functionSecret ?? ownerSecret;
    if (authorization === undefined || secret === undefined) {
      if (owner === undefined) return ACCOUNT_OWNER;
      throw refused(
        authorization === undefined ? 'MissingAuthenticationTokenException' : 'UnrecognizedClientException',
        `This endpoint answers only calls that are signed with the credentials in its data directory. ${HOW}`,
      );
    }
    if (!isSignedWith(secret, request, authorization, await readBody())) {
      const what = 'The signature does not match: it was made with another secret access key.';
      throw refused('InvalidSignatureException', ownerSecret === undefined ? what : `${what} ${HOW}`);
    }
    if (identities !== undefined && functionSecret !== undefined) return identities.callerWith(accessKeyId);
    this.#checkTime(signingTime(authorization), authorization.isPresigned);
    return ACCOUNT_OWNER;
  }

  /** An SDK signs with the wall clock, or with the functions' time after it has read that from a response. */
  #checkTime(signedAt: number, isPresigned: boolean): void {
    const clocks = [Date.now(), this.#keys.functionNow()];
    if (isPresigned || clocks.some((now) => Math.abs(now - signedAt) <= MAX_SKEW_MS)) return;
    throw refused(
      'RequestTimeTooSkewed',
      'The request was signed more than 15 minutes ago, or in the future.',
    );
  }
}

const HOW = 'batchdrop up prints them as two export lines.';

function refused(code: string, message: string): AwsError {
  return new AwsError(code, message, { status: 403 });
}
