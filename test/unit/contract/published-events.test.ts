import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { DETAIL_TYPE } from '../../../functions/shared/contract/events.ts';
import {
  approvalOutcomeSchema,
  batchStatusChangeSchema,
  cancelOutcomeSchema,
  jobStalledSchema,
  jobStatusChangeSchema,
} from '../../../functions/shared/contract/schemas.ts';
import { Ambiguous } from '../../../functions/shared/domain/errors.ts';
import type { OutgoingEvent } from '../../../functions/shared/domain/outgoing-event.ts';
import { withFaults } from '../../fakes/faulty.ts';
import { playHistory } from '../../simulation/world/history.ts';
import { fileOf, fileOfTwoParts, HOUR, INSTANCE, REQUESTS, row, SmallWorld } from '../small-world.ts';
import { received } from './received-event.ts';

const ajv = new Ajv2020({ strict: true, strictRequired: false });
addFormats.default(ajv);
const SCHEMAS = {
  [DETAIL_TYPE.batchStatusChange]: ajv.compile(batchStatusChangeSchema),
  [DETAIL_TYPE.jobStatusChange]: ajv.compile(jobStatusChangeSchema),
  [DETAIL_TYPE.cancelOutcome]: ajv.compile(cancelOutcomeSchema),
  [DETAIL_TYPE.approvalOutcome]: ajv.compile(approvalOutcomeSchema),
  [DETAIL_TYPE.jobStalled]: ajv.compile(jobStalledSchema),
};
const MAX_EVENT = 64 * 1024; // bytes; EventBridge bills up to this size as one event

function expectToFit(events: OutgoingEvent[]): void {
  expect(events.length).toBeGreaterThan(0);
  for (const event of events) {
    const fits = SCHEMAS[event.detailType];
    const whole = received(event);
    expect(fits(whole), `${JSON.stringify(whole)}: ${JSON.stringify(fits.errors)}`).toBe(true);
    expect(Buffer.byteLength(JSON.stringify(whole))).toBeLessThan(MAX_EVENT);
    expect(event.detail.metadata.instance).toBe(INSTANCE);
  }
}

const failure = (code: string) => [{ code, message: 'No.', param: null, line: 1 }];
const statusesOf = (events: OutgoingEvent[]) =>
  new Set(
    events.map(({ detail: { data } }) =>
      'outcome' in data ? data.outcome : 'cause' in data ? data.cause : data.status,
    ),
  );

type Settings = ConstructorParameters<typeof SmallWorld>[0];
type History = [string, Settings, (world: SmallWorld) => Promise<unknown>, string[]];

const HISTORIES: History[] = [
  [
    'everything succeeds',
    {},
    (w) => w.drop('a.jsonl', fileOf('a', 'b')),
    ['validating', 'in_progress', 'completed'],
  ],
  [
    'two parts, some rows fail',
    { fate: () => ({ row: (id) => (id === 'first' ? 'failed' : 'missing') }) },
    (w) => w.drop('ü/ b.jsonl', fileOfTwoParts(), { 'batch-a': 'x' }),
    ['completed'],
  ],
  [
    'the batch fails',
    { fate: () => ({ failure: failure('model_not_found') }) },
    (w) => w.drop('a.jsonl', fileOf('a')),
    ['failed'],
  ],
  [
    'it is requeued and then runs',
    { fate: ({ nth }) => (nth === 1 ? { failure: failure('token_limit_exceeded') } : {}) },
    (w) => w.drop('a.jsonl', fileOf('a')),
    ['failed', 'completed'],
  ],
  [
    'it is held and approved, and an approval comes late',
    {},
    async (w) => {
      const jobId = await w.drop('a.jsonl', fileOf('a', 'b'), { 'batchdrop-hold': 'yes' });
      await w.approve(jobId);
      await w.rest();
      await w.approve(jobId, 'approval-2');
      await w.approve('nobody', 'approval-3');
    },
    ['unapproved', 'approved', 'accepted', 'completed', 'too_late', 'unknown'],
  ],
  [
    'it is held, and nobody approves it',
    { holds: { approveAbove: 0n, expiresAfterMs: HOUR } },
    (w) => w.drop('a.jsonl', fileOfTwoParts()),
    ['unapproved', 'cancelled'],
  ],
  [
    'it expires',
    { fate: () => ({ runningMs: 40 * HOUR }) },
    (w) => w.drop('a.jsonl', fileOf('a', 'b', 'c')),
    ['expired'],
  ],
  [
    'an unknown status',
    { fate: () => ({ runningAs: 'pondering' }) },
    (w) => w.drop('a.jsonl', fileOf('a')),
    ['pondering', 'completed'],
  ],
  [
    'a cancel while it runs',
    { fate: () => ({ runningMs: HOUR }) },
    async (w) => {
      await w.drop('a.jsonl', fileOf('a'));
      await w.work();
      await w.cancel({ bucket: REQUESTS, key: 'a.jsonl' });
    },
    ['requested', 'cancelling', 'cancelled'],
  ],
  [
    'cancels of unknown jobs, too early and too late',
    {},
    async (w) => {
      await w.cancel({ batchId: 'batch_of_others' });
      const { event, jobId } = w.upload('a.jsonl', fileOf('a'));
      await w.cancel({ bucket: REQUESTS, key: 'a.jsonl' }, w.clock.now() + 1);
      await w.intake(event);
      await w.cancel({ jobId });
    },
    ['unknown', 'remembered', 'too_late', 'cancelled'],
  ],
  [
    'it runs rows of another job again',
    {},
    (w) => w.drop('a.retry-1.jsonl', fileOf('a'), { 'batchdrop-retry-of': 'a2'.repeat(13) }),
    ['accepted', 'submitted', 'completed'],
  ],
  ['an invalid file', {}, (w) => w.drop('a.jsonl', 'x\n'.repeat(99)), ['rejected']],
  [
    'the same bytes again',
    {},
    async (w) => {
      await w.drop('a.jsonl', fileOf('a'));
      await w.drop('a.jsonl', fileOf('a'));
    },
    ['joined', 'completed'],
  ],
  [
    'a create without a response and without an effect',
    {
      replaced: ({ api }) => {
        let first = true;
        return {
          api: withFaults(api, (method) => {
            if (method !== 'createBatch' || !first) return 'ok';
            first = false;
            return { failBefore: new Ambiguous('time-out') };
          }),
        };
      },
    },
    (w) => w.drop('a.jsonl', fileOf('a')),
    ['completed'],
  ],
  [
    'the file is gone before it can be read',
    {},
    async (w) => {
      const { event, jobId, versionId } = w.upload('a.jsonl', fileOf('a'));
      const head = w.requestFiles.head;
      w.requestFiles.head = async (file) => {
        const facts = await head(file);
        w.requestFiles.remove({ bucket: REQUESTS, key: 'a.jsonl', versionId });
        return facts;
      };
      await w.intake(event);
      expect(w.job(jobId).plan).toBeUndefined();
    },
    ['failed'],
  ],
];

describe('every event that is published', () => {
  it.each(HISTORIES)('matches its schema: %s', async (_, settings, play, told) => {
    const world = new SmallWorld({ ...settings, rerun: { maxAttempts: 1 } });
    await play(world);
    await world.rest();
    const events = world.bus.published();
    expectToFit(events);
    expect([...statusesOf(events)]).toEqual(expect.arrayContaining(told));
  });

  it('matches its schema in histories with many faults', async () => {
    const events: OutgoingEvent[] = [];
    const hasAllKinds = () => new Set(events.map(({ detailType }) => detailType)).size === 5;
    // Each kind of event occurs soon after this seed; of the first histories, 65 are needed.
    for (let seed = 58; seed <= 72 || (seed <= 160 && !hasAllKinds()); seed += 1)
      events.push(...(await playHistory(seed)).world.bus.published());
    expectToFit(events);
    expect(hasAllKinds()).toBe(true);
    expect(statusesOf(events).size).toBeGreaterThan(8);
  });

  const LONGEST = '\u0001'.repeat(20_000); // six bytes per character in JSON
  const key = `${'k'.repeat(1018)}.jsonl`;
  const pairs = Object.fromEntries(Array.from({ length: 4 }, (_, n) => [`batch-${n}`, 'v'.repeat(500)]));

  it('stays under 64 KB with twenty errors of maximum length, as does the ledger item', async () => {
    const errors = Array.from({ length: 30 }, () => ({
      code: LONGEST,
      message: LONGEST,
      param: LONGEST,
      line: 1,
    }));
    const world = new SmallWorld({ fate: () => ({ failure: errors }) });
    const jobId = await world.drop(key, fileOf('a'), pairs);
    await world.rest();
    expectToFit(world.bus.published());
    const failed = world.bus.published().find(({ detail }) => 'errors' in detail.data);
    expect(failed?.detail.data).toMatchObject({ errors: { count: 30 } });
    expect(failed?.detail.data).toHaveProperty('errors.first.length', 20);
    expect(world.jobStatuses(jobId).at(-1)).toBe('failed');
    expect(JSON.stringify(world.parts(jobId)).length).toBeLessThan(100_000);
  });

  it('stays under 64 KB with twenty findings of maximum length', async () => {
    const strange = '\u{10FFFF}\u0001'.repeat(500);
    const rows = [
      (n: number) => row(`a${n}`, { url: strange }),
      (n: number) => row(`b${n}`, { method: strange }),
    ];
    for (const badRow of rows) {
      const world = new SmallWorld();
      const lines = Array.from({ length: 50 }, (_, n) => badRow(n));
      const jobId = await world.drop(key, `${row('first')}\n${lines.join('\n')}`, pairs);
      expect(world.jobStatuses(jobId)).toEqual(['rejected']);
      expectToFit(world.bus.published());
    }
  });

  it('stays under 64 KB with as many parts as a file may have', async () => {
    const input = Array.from({ length: 50_000 }, () => 'a');
    const rows = Array.from({ length: 25 }, (_, n) =>
      row(`r${n}`, { url: '/v1/embeddings', body: { model: 'm', input } }),
    );
    const world = new SmallWorld();
    const jobId = await world.drop(key, rows.join('\n'), pairs);
    await world.rest();
    expectToFit(world.bus.published());
    expect(world.job(jobId).batches).toMatchObject({ count: 25 });
    expect(world.job(jobId).batches?.first).toHaveLength(20);
  });
});
