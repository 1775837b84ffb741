import { expect, it } from 'vitest';
import { nameOf, type WaitingPart } from '../../../../functions/shared/domain/waiting/admission-queue.ts';
import {
  afterProbe,
  afterRefusal,
  afterSuccess,
  type Breaker,
  type BreakerRefusal,
  breakerAgainst,
  mayBeginAgain,
  ofAccount,
  probeOf,
} from '../../../../functions/shared/domain/waiting/breaker.ts';
import { NOON } from '../../../contracts/samples.ts';

const MINUTE = 60_000;
const A = 'org-a#key-a';

const refused = (item: string, differences: Partial<BreakerRefusal> = {}): BreakerRefusal => ({
  ...{ account: A, for: 'account', operation: 'create', said: 'Pay.', item, at: NOON },
  ...differences,
});

const after = (...refusals: BreakerRefusal[]) => refusals.reduce<Breaker[]>(afterRefusal, []);
const opened = (differences: Partial<BreakerRefusal> = {}) =>
  after(...['a', 'b', 'c'].map((item) => refused(item, differences)));

function waiting(jobId: string, model: string, since = NOON): WaitingPart {
  const wait = { for: 'account', since, until: NOON + 5 * MINUTE } as const;
  return { jobId, planId: 'p', number: 1, jobCreatedAt: NOON, model, uploadBytes: 1, waiting: wait };
}

it('opens when three different items were refused', () => {
  expect(breakerAgainst(after(refused('a'), refused('b'), refused('a')), 'create')).toBeUndefined();
  expect(breakerAgainst(opened(), 'create')).toMatchObject({ said: 'Pay.', since: NOON });
});

it.each([
  ['account', 'create', { upload: true, create: true }],
  ['account', 'upload', { upload: true, create: true }],
  ['storage', 'upload', { upload: true, create: false }],
  ['storage', 'create', { upload: false, create: false }],
] as const)('%s, refused at %s, stops %o', (reason, operation, stops) => {
  const breakers = opened({ for: reason, operation });
  expect(breakerAgainst(breakers, 'upload') !== undefined).toBe(stops.upload);
  expect(breakerAgainst(breakers, 'create') !== undefined).toBe(stops.create);
});

it('keeps accounts, reasons and operations apart', () => {
  const breakers = after(
    refused('a'),
    refused('b', { account: 'org-b#key-b' }),
    refused('c', { for: 'storage', operation: 'upload' }),
    refused('d', { operation: 'upload' }),
  );
  expect(breakers).toHaveLength(4);
  expect(breakers.every(({ open }) => open === undefined)).toBe(true);
  expect(ofAccount(breakers, 'org-b#key-other')).toMatchObject([{ account: 'org-b#key-b' }]);
});

it('counts refusals of one account together, whatever is known of it', () => {
  const known = (account: string) => refused('b', { account });
  expect(after(refused('a'), known('org-a#key-new'))).toMatchObject([
    { account: 'org-a#key-new', items: ['a', 'b'] },
  ]);
  expect(after(refused('a'), known('key-a'))).toHaveLength(1); // some responses do not name the organization
  expect(after(refused('a', { account: '' }), known(''))).toHaveLength(1);
  expect(after(refused('a'), known(''))).toHaveLength(2);
});

it('closes with a success of the refused operation, and not of another one', () => {
  expect(afterSuccess(opened(), 'create')).toEqual([]);
  expect(afterSuccess(opened(), 'upload')).toHaveLength(1);
  expect(afterSuccess(opened({ for: 'storage', operation: 'upload' }), 'upload')).toEqual([]);
  expect(afterSuccess(opened({ for: 'storage', operation: 'upload' }), 'create')).toHaveLength(1);
});

it('lets one probe pass at growing intervals, each another item and, if there are several, another model', () => {
  const queue = [waiting('a', 'm'), waiting('b', 'm', NOON + 1), waiting('c', 'n', NOON + 2)];
  let [breaker] = opened();
  const probed: string[] = [];
  const at: number[] = [];
  for (let minute = 0; minute <= 120; minute += 1) {
    const now = NOON + minute * MINUTE;
    const probe = breaker && probeOf(breaker, queue, nameOf, now);
    if (!breaker || !probe) continue;
    probed.push(probe.jobId);
    at.push(minute);
    breaker = afterProbe(breaker, { item: nameOf(probe), model: probe.model }, now);
  }
  expect(at).toEqual([1, 3, 8, 18, 33, 53, 83, 113]);
  expect(probed.slice(0, 4)).toEqual(['a', 'c', 'a', 'c']);
  const alone = breaker && probeOf(breaker, [waiting('a', 'm')], nameOf, NOON + 1_000 * MINUTE);
  expect(alone?.jobId).toBe('a');
});

it('lets the items of one model probe in turn', () => {
  const queue = [waiting('a', 'm'), waiting('b', 'm', NOON + 2), waiting('c', 'm', NOON + 1)];
  const [breaker] = opened();
  const next = (last: WaitingPart) => {
    const probed = breaker && afterProbe(breaker, { item: nameOf(last), model: last.model }, NOON);
    return probed && probeOf(probed, queue, nameOf, NOON + 60 * MINUTE)?.jobId;
  };
  expect(queue.map(next)).toEqual(['c', 'a', 'a']);
});

it('lets no probe pass for a part that waits for something else', () => {
  const [breaker] = opened();
  const part = waiting('a', 'm');
  const elsewhere = { ...part, waiting: { ...part.waiting, for: 'storage' } } as const;
  expect(breaker && probeOf(breaker, [elsewhere], nameOf, NOON + MINUTE)).toBeUndefined();
  expect(breaker && probeOf(breaker, [elsewhere, part], nameOf, NOON + MINUTE)).toBe(part);
});

it('stops the parts that wait while it is open, and none once it is closed', () => {
  expect(mayBeginAgain(opened(), waiting('z', 'm'), NOON + 60 * MINUTE)).toBe(false);
  expect(mayBeginAgain([], waiting('z', 'm'), NOON)).toBe(true);
  expect(mayBeginAgain(after(refused('a')), waiting('a', 'm'), NOON)).toBe(false); // its own backoff
  expect(mayBeginAgain(after(refused('a')), waiting('a', 'm'), NOON + 5 * MINUTE)).toBe(true);
});
