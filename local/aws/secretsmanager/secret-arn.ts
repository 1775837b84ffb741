import { createHash } from 'node:crypto';
import { LOCAL_ACCOUNT, LOCAL_REGION } from '../protocol/aws-service.ts';

/** The ARN with its six characters, which follow from the name, so that it stays the same from start to start. */
export function secretArn(name: string): string {
  const suffix = createHash('sha256').update(name).digest('hex').slice(0, 6);
  return `${partialSecretArn(name)}-${suffix}`;
}

/** The ARN without its six characters, which clients may use as well. */
export function partialSecretArn(name: string): string {
  return `arn:aws:secretsmanager:${LOCAL_REGION}:${LOCAL_ACCOUNT}:secret:${name}`;
}

/** The whole ARN of the secret that a client names by name, ARN, or ARN without its suffix. */
export function secretArnOf(id: string): string {
  const prefix = partialSecretArn('');
  if (!id.startsWith(prefix)) return secretArn(id);
  const name = id.slice(prefix.length);
  return id === secretArn(name.slice(0, -7)) ? id : secretArn(name);
}
