import { createHash } from 'node:crypto';
import { LOCAL_ACCOUNT, LOCAL_REGION } from '../protocol/aws-service.ts';

/** Returns the ARN with its six characters. They are derived from the name, so that they are the same at each start. */
export function secretArn(name: string): string {
  const suffix = createHash('sha256').update(name).digest('hex').slice(0, 6);
  return `${partialSecretArn(name)}-${suffix}`;
}

/** Returns the ARN without its six characters, which clients may also use. */
export function partialSecretArn(name: string): string {
  return `arn:aws:secretsmanager:${LOCAL_REGION}:${LOCAL_ACCOUNT}:secret:${name}`;
}

/**
 * Returns the full ARN of a secret given by name, ARN, or ARN without its suffix. The ARN of another account stays: an app may
 * name the secret of its account, and its policies name the same one.
 */
export function secretArnOf(id: string): string {
  const prefix = partialSecretArn('');
  if (!id.startsWith(prefix)) return id.startsWith('arn:') ? id : secretArn(id);
  const name = id.slice(prefix.length);
  return id === secretArn(name.slice(0, -7)) ? id : secretArn(name);
}

/** Returns the name of a secret given by name or by full ARN. The ARN of another account is its own name here. */
export function secretNameOf(id: string): string {
  const name = id.slice(partialSecretArn('').length, -7);
  return id === secretArn(name) ? name : id;
}
