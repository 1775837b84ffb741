import { LOCAL_ACCOUNT, LOCAL_REGION } from '../../aws/protocol/aws-service.ts';
import type { StackEnvironment } from './assembly.ts';

/**
 * Returns a function that moves resolved values of an app to the only account and Region of this machine. A stack with an `env` of
 * its own has its account and Region as text in ARNs and policies. Only these are replaced: an account that stands alone, and
 * both in an ARN. A name that contains one of them stays, and so does the full ARN of a secret, which only its account knows.
 */
export function localEnvironment(environments: readonly StackEnvironment[]): (value: unknown) => unknown {
  const accounts = new Set(environments.flatMap(({ account }) => account ?? []));
  const regions = new Set(environments.flatMap(({ region }) => region ?? []));
  if (accounts.size === 0 && regions.size === 0) return (value) => value;
  const local = (text: string): string => {
    if (accounts.has(text)) return LOCAL_ACCOUNT;
    const [arn, partition, service, region = '', account = '', ...rest] = text.split(':');
    if (arn !== 'arn' || rest.length === 0 || isWholeSecret(text)) return text;
    const place = [
      regions.has(region) ? LOCAL_REGION : region,
      accounts.has(account) ? LOCAL_ACCOUNT : account,
    ];
    return [arn, partition, service, ...place, ...rest].join(':');
  };
  const everywhere = (value: unknown): unknown => {
    if (typeof value === 'string') return local(value);
    if (Array.isArray(value)) return value.map(everywhere);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, everywhere(each)]));
  };
  return everywhere;
}

/** Secrets Manager ends the ARN of a secret with six characters. */
function isWholeSecret(arn: string): boolean {
  return /^arn:[\w-]+:secretsmanager:.*-[A-Za-z0-9]{6}$/.test(arn);
}
