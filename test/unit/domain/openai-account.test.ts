import { describe, expect, it } from 'vitest';
import {
  accountName,
  isSameAccount,
  keyFingerprint,
} from '../../../functions/shared/domain/openai-account.ts';

const first = keyFingerprint('sk-first');
const second = keyFingerprint('sk-second');
const ours = accountName({ organization: 'org-1', project: 'proj-1', key: first });

describe('an account', () => {
  it('does not reveal its key', () => {
    expect(accountName({ key: keyFingerprint('sk-secret') })).toMatch(/^key-[0-9a-f]{16}$/);
    expect(ours).not.toContain('sk-first');
  });

  const same: [string, string][] = [
    ['the same response', ours],
    ['a response without the organization', accountName({ key: first })],
    ['a response without the project', accountName({ organization: 'org-1', key: first })],
    ['another key of the project', accountName({ organization: 'org-1', project: 'proj-1', key: second })],
    ['the name that an earlier release stored', 'org-1/proj-1'],
  ];
  it.each(same)('is the same as %s', (_, other) => {
    expect(isSameAccount(ours, other)).toBe(true);
    expect(isSameAccount(other, ours)).toBe(true);
  });

  const different: [string, string][] = [
    ['another organization', accountName({ organization: 'org-2', key: first })],
    ['another project', accountName({ organization: 'org-1', project: 'proj-2', key: first })],
    ['another key, with nothing else known', accountName({ key: second })],
    ['a response that identifies no account', ''],
  ];
  it.each(different)('is not the same as %s', (_, other) => {
    expect(isSameAccount(ours, other)).toBe(false);
    expect(isSameAccount(other, ours)).toBe(false);
  });

  it('is not the same if no field is known of both', () => {
    expect(isSameAccount('', '')).toBe(false);
    expect(isSameAccount('org-1', accountName({ key: first }))).toBe(false);
  });
});
