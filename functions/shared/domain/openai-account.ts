import { createHash } from 'node:crypto';

/** What is known of an account at the API. */
export interface AccountFacts {
  /** From the headers of a response. Some vendors or calls omit them. */
  organization?: string;
  project?: string;
  /** A fingerprint of the API key. */
  key?: string;
}

/**
 * Returns the account as text, `ORGANIZATION/PROJECT#key-FINGERPRINT`, without unknown fields. It does not reveal the
 * key.
 */
export function accountName({ organization, project, key }: AccountFacts): string {
  const owner =
    organization === undefined || project === undefined ? organization : `${organization}/${project}`;
  if (owner === undefined) return key ?? '';
  return key === undefined ? owner : `${owner}#${key}`;
}

/** Returns a fingerprint of the API key. The key cannot be derived from it. */
export function keyFingerprint(apiKey: string): string {
  return `${KEY}${createHash('sha256').update(apiKey).digest('hex').slice(0, 16)}`;
}

/**
 * Returns whether two accounts are the same, by the fields known of both: a key may be replaced within its
 * organization, and some responses do not name the organization. Accounts with no known field in common are not the
 * same.
 */
export function isSameAccount(one: string, other: string): boolean {
  const [a, b] = [factsOf(one), factsOf(other)];
  if (a.organization !== undefined && b.organization !== undefined) {
    if (a.organization !== b.organization) return false;
    return a.project === undefined || b.project === undefined || a.project === b.project;
  }
  return a.key !== undefined && a.key === b.key;
}

const KEY = 'key-';

function factsOf(account: string): AccountFacts {
  if (account === '') return {};
  if (account.startsWith(KEY)) return { key: account };
  const [owner = '', key] = account.split(`#${KEY}`);
  const [organization = '', ...project] = owner.split('/');
  return {
    organization,
    ...(project.length === 0 ? {} : { project: project.join('/') }),
    ...(key === undefined ? {} : { key: KEY + key }),
  };
}
