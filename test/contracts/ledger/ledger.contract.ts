import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DUE_SHARDS, type DueItem } from '../../../functions/shared/domain/ledger-records.ts';
import type { PastAttempts } from '../../../functions/shared/domain/spending/past-attempts.ts';
import type { Ledger } from '../../../functions/shared/ports/ports.ts';
import type { ManualClock } from '../../fakes/manual-clock.ts';
import { aBatch, aJob, aPart, NOON } from '../samples.ts';

/** A new ledger on a clock that starts at noon. */
export interface LedgerUnderTest {
  ledger: Ledger;
  clock: ManualClock;
  close(): Promise<void>;
}

/** The contract of every ledger. */
export function describeLedgerContract(name: string, make: () => Promise<LedgerUnderTest>): void {
  describe(`${name} as a ledger`, () => {
    let made: LedgerUnderTest;
    let ledger: Ledger;
    beforeEach(async () => {
      made = await make();
      ledger = made.ledger;
    });
    afterEach(() => made.close());

    itComparesAndSets(() => ledger);
    itKeepsPastAttempts(() => ledger);
    itListsParts(() => ledger);
    itPoints(() => made);
    itKeepsOneForAll(() => made);
    itKnowsWhatIsDue(() => ledger);
    itSaysOfPartsWhatIsDue(() => ledger);
    itForgetsWhatExpired(() => made);
  });
}

function itComparesAndSets(ledger: () => Ledger): void {
  it('returns a job with all fields with which it was created', async () => {
    const job = aJob({
      findings: { count: 1, first: [{ line: 3, code: 'invalid_json', message: 'Line 3 is „no“ JSON 🙂.' }] },
      lease: { holder: 'h', until: NOON + 1 },
      assembly: { output: { uploadId: 'u', etags: ['a', 'b'] } },
      dueAt: NOON,
    });
    expect(await ledger().createJob(job)).toBe(true);
    expect(await ledger().readJob(job.jobId)).toEqual(job);
  });

  it('returns a part with all fields that an unreliable API causes', async () => {
    const file = { fileId: 'file-1', account: 'org' };
    const times = { at: NOON, uploadedAt: NOON - 1, answeredAt: NOON + 1 };
    const part = aPart({
      phase: 'stalled',
      stalled: { code: 'create_uncertain', message: '2 creates have no known outcome' },
      stallPublished: true,
      adopt: { batchId: 'batch_9' },
      abandoned: [{ ...file, ...times, intentId: 'a', givenUpAt: NOON + 2 }],
      replacedIntents: [
        { ...file, ...times, intentId: 'b', sentUntil: NOON + 3 },
        { intentId: 'c', at: NOON, sentUntil: NOON, batchId: 'batch_2', endedAt: NOON + 4 },
      ],
      secondBatchIds: ['batch_2', 'batch_3'],
      openSecondBatches: [{ batchId: 'batch_3', cancelAt: NOON, unknown: true }],
      unseen: { batchId: 'batch_4', status: 'validating', rev: 2 },
      resultsWait: {
        since: NOON,
        looks: 2,
        until: NOON + 1,
        why: 'why',
        reading: { digest: 'd', since: NOON },
      },
      doubtfulFiles: [{ batchId: 'batch_1', fileId: 'file-2', why: 'why' }],
      obstacle: { for: 'not_visible', since: NOON, said: 'Cannot find file.' },
      slice: { end: 2, rows: 2, uploadBytes: 700 },
      lostUploads: 1,
      releases: 2,
      releasedAt: NOON,
      dueAt: NOON,
    });
    expect(await ledger().createPart(part)).toBe(true);
    expect(await ledger().readPart(part)).toEqual(part);
  });

  it('returns no job that was never created', async () => {
    expect(await ledger().readJob('nobody')).toBeUndefined();
    expect(await ledger().readPart({ jobId: 'nobody', planId: 'none', number: 1 })).toBeUndefined();
    expect(await ledger().replaceJob(aJob())).toBe(false);
    expect(await ledger().replacePart(aPart())).toBe(false);
  });

  it('creates a job and a part only once', async () => {
    expect(await ledger().createJob(aJob({ tries: 1 }))).toBe(true);
    expect(await ledger().createJob(aJob({ tries: 2 }))).toBe(false);
    expect((await ledger().readJob(aJob().jobId))?.tries).toBe(1);
    expect(await ledger().createPart(aPart({ tries: 1 }))).toBe(true);
    expect(await ledger().createPart(aPart({ tries: 2 }))).toBe(false);
    expect((await ledger().readPart(aPart()))?.tries).toBe(1);
  });

  it('replaces only the version that was read, and increases it', async () => {
    await ledger().createJob(aJob());
    expect(await ledger().replaceJob(aJob({ status: 'accepted' }))).toBe(true);
    expect(await ledger().readJob(aJob().jobId)).toEqual(aJob({ status: 'accepted', version: 2 }));
    expect(await ledger().replaceJob(aJob({ status: 'failed' }))).toBe(false);
    expect((await ledger().readJob(aJob().jobId))?.status).toBe('accepted');
  });

  it('lets one of many concurrent writers win', async () => {
    await ledger().createPart(aPart());
    const wins = await Promise.all(
      Array.from({ length: 8 }, (_, writer) => ledger().replacePart(aPart({ tries: writer + 1 }))),
    );
    expect(wins.filter(Boolean)).toHaveLength(1);
    expect(await ledger().readPart(aPart())).toEqual(aPart({ tries: wins.indexOf(true) + 1, version: 2 }));
  });

  it('drops fields that the next version omits', async () => {
    await ledger().createPart(aPart({ dueAt: NOON, lease: { holder: 'h', until: NOON }, batch: aBatch() }));
    await ledger().replacePart(aPart());
    expect(await ledger().readPart(aPart())).toEqual(aPart({ version: 2 }));
  });

  it('is not affected by changes to an item after a call', async () => {
    const job = aJob();
    await ledger().createJob(job);
    job.request.metadata.team = 'another';
    const read = await ledger().readJob(job.jobId);
    if (read !== undefined) Reflect.set(read.request, 'key', 'elsewhere'); // a frozen item refuses it
    expect(await ledger().readJob(job.jobId)).toEqual(aJob());
  });
}

function itKeepsPastAttempts(ledger: () => Ledger): void {
  const past = (page: number, fields: Partial<PastAttempts> = {}): PastAttempts => ({
    ...{ jobId: aPart().jobId, planId: aPart().planId, number: 1, page, version: 1 },
    ran: [{ batch: aBatch(), intent: { id: 'i', at: NOON, fileId: 'file-1' }, rows: 3 }],
    earlierBatchIds: ['batch_1'],
    secondBatchIds: ['batch_2'],
    doubtfulFiles: [{ batchId: 'batch_1', fileId: 'file-2', why: 'why' }],
    unusedFiles: [{ fileId: 'file-3', account: 'org' }],
    ...fields,
  });

  it("returns each page of a part's earlier attempts, and does not list a page as a part", async () => {
    await ledger().createPart(aPart());
    for (const page of [1, 2, 11]) expect(await ledger().createPast(past(page))).toBe(true);
    expect(await ledger().readPast(aPart(), 2)).toEqual(past(2));
    expect(await ledger().readPast(aPart(), 3)).toBeUndefined();
    expect(await ledger().readPast(aPart({ number: 11 }), 1)).toBeUndefined();
    expect(await ledger().readPast(aPart({ planId: 'another' }), 1)).toBeUndefined();
    expect(await ledger().partsOf(aPart().jobId)).toEqual([aPart()]);
  });

  it('creates a page only once, and replaces only the version that was read', async () => {
    await ledger().createPast(past(1));
    expect(await ledger().createPast(past(1, { ran: [] }))).toBe(false);
    expect(await ledger().replacePast(past(1, { deletedFiles: ['file-1'] }))).toBe(true);
    expect(await ledger().replacePast(past(1))).toBe(false);
    expect(await ledger().readPast(aPart(), 1)).toEqual(past(1, { version: 2, deletedFiles: ['file-1'] }));
  });
}

function itListsParts(ledger: () => Ledger): void {
  it('lists the parts of one plan by number, and none of another plan or job', async () => {
    for (const number of [2, 11, 1, 10]) await ledger().createPart(aPart({ number }));
    await ledger().createPart(aPart({ planId: 'another', number: 3 }));
    await ledger().createPart(aPart({ jobId: 'another', number: 4 }));
    const parts = await ledger().partsOf(aPart().jobId, aPart().planId);
    expect(parts.map(({ number }) => number)).toEqual([1, 2, 10, 11]);
    expect(parts[0]).toEqual(aPart());
    expect(await ledger().partsOf(aPart().jobId, 'unknown')).toEqual([]);
  });

  it('lists the parts of a plan that fills more than one page', async () => {
    const message = 'x'.repeat(2_000);
    const errors = Array.from({ length: 20 }, () => ({ code: 'c', message, param: null, line: null }));
    const numbers = Array.from({ length: 60 }, (_, index) => index + 1); // 60 × 40 KB; a page ends at 1 MB
    for (const number of numbers) await ledger().createPart(aPart({ number, batch: aBatch({ errors }) }));
    const parts = await ledger().partsOf(aPart().jobId, aPart().planId);
    expect(parts.map(({ number }) => number)).toEqual(numbers);
  });
}

function itPoints(made: () => LedgerUnderTest): void {
  it('finds the part of a batch, however often the pointer is written', async () => {
    const { ledger } = made();
    const ref = { jobId: 'j', planId: 'p', number: 7 };
    expect(await ledger.readBatchPointer('batch_1')).toBeUndefined();
    await ledger.putBatchPointer('batch_1', ref, NOON + 1_000);
    await ledger.putBatchPointer('batch_1', ref, NOON + 1_000);
    expect(await ledger.readBatchPointer('batch_1')).toEqual(ref);
  });

  it('stores only the reference of a part in the pointer, even if it gets a whole part', async () => {
    const { ledger } = made();
    await ledger.putBatchPointer('batch_1', aPart(), NOON + 1_000);
    const { jobId, planId, number } = aPart();
    expect(await ledger.readBatchPointer('batch_1')).toEqual({ jobId, planId, number });
  });

  it('notes for a limited time that a webhook reported the end of a batch, apart from the batch pointer', async () => {
    const { ledger, clock } = made();
    expect(await ledger.readEarlyEnd('batch_1')).toBeUndefined();
    await ledger.noteEarlyEnd('batch_1', NOON, NOON + 1_000);
    await ledger.noteEarlyEnd('batch_1', NOON, NOON + 1_000);
    expect(await ledger.readEarlyEnd('batch_1')).toBe(NOON);
    expect(await ledger.readEarlyEnd('batch_2')).toBeUndefined();
    expect(await ledger.readBatchPointer('batch_1')).toBeUndefined();
    clock.advance(1_000);
    expect(await ledger.readEarlyEnd('batch_1')).toBeUndefined();
  });

  it('notes when the last genuine webhook was received', async () => {
    const { ledger } = made();
    expect(await ledger.readLastWebhook()).toBeUndefined();
    await ledger.noteWebhook(NOON);
    await ledger.noteWebhook(NOON + 1_000);
    expect(await ledger.readLastWebhook()).toBe(NOON + 1_000);
  });

  it('keeps one pointer per key, changed by compare-and-set', async () => {
    const { ledger } = made();
    const pointer = {
      bucket: 'b',
      key: `${'k/'.repeat(500)}ü.jsonl`,
      version: 0,
      cancels: [NOON - 5000, NOON],
    };
    expect(await ledger.readKeyPointer(pointer.bucket, pointer.key)).toBeUndefined();
    expect(await ledger.replaceKeyPointer(pointer)).toBe(true);
    expect(await ledger.replaceKeyPointer(pointer)).toBe(false);
    const known = await ledger.readKeyPointer(pointer.bucket, pointer.key);
    expect(known).toEqual({ ...pointer, version: 1 });
    const newest = { jobId: 'j', sequencer: '00AB' };
    expect(await ledger.replaceKeyPointer({ ...pointer, version: 1, newest })).toBe(true);
    expect(await ledger.replaceKeyPointer({ ...pointer, version: 1 })).toBe(false);
    expect(await ledger.readKeyPointer(pointer.bucket, pointer.key)).toEqual({
      ...pointer,
      version: 2,
      newest,
    });
    expect(await ledger.readKeyPointer('another', pointer.key)).toBeUndefined();
  });
}

/** Items that exist only once: the admissions, the creates of the last hour, and the switches. */
function itKeepsOneForAll(made: () => LedgerUnderTest): void {
  it('stores the admitted parts, and lets only one of two writers change them', async () => {
    const { ledger } = made();
    expect(await ledger.readAdmissions()).toEqual({ version: 0, admitted: [], measured: {} });
    const { jobId, planId, number, model, uploadBytes } = aPart();
    const admission = { at: NOON, estimate: { tokens: 298, limit: 1000 }, alone: true } as const;
    const admitted = [{ jobId, planId, number, since: NOON, model, uploadBytes, admission }];
    const measured = { [model]: { bytes: 1190, tokens: 301.5 } };
    expect(await ledger.replaceAdmissions({ version: 0, admitted, measured })).toBe(true);
    expect(await ledger.replaceAdmissions({ version: 0, admitted: [], measured })).toBe(false);
    expect(await ledger.readAdmissions()).toEqual({ version: 1, admitted, measured });
    expect(await ledger.replaceAdmissions({ version: 1, admitted: [], measured })).toBe(true);
    expect(await ledger.replaceAdmissions({ version: 1, admitted, measured })).toBe(false);
    expect((await ledger.readAdmissions()).admitted).toEqual([]);
  });

  it('stores the learned limits with the admissions', async () => {
    const { ledger } = made();
    const learned = [
      {
        name: 'gpt-4o',
        counts: 'tokens',
        models: ['gpt-4o', 'ft:gpt-4o'],
        limit: 90_000,
        said: 'Limit: 90,000',
        at: NOON,
      },
      {
        name: 'D',
        counts: 'requests',
        models: ['D'],
        assumed: { limit: 300, step: 38 },
        said: 'Later.',
        at: NOON,
      },
    ] as const;
    const copies = learned.map((one) => ({ ...one, models: [...one.models] }));
    expect(await ledger.replaceAdmissions({ version: 0, admitted: [], measured: {}, learned: copies })).toBe(
      true,
    );
    expect((await ledger.readAdmissions()).learned).toEqual(learned);
  });

  it('stores 1,500 admitted parts in one item', async () => {
    const { ledger } = made();
    const { jobId, planId } = aPart();
    const model = 'm'.repeat(60);
    const admitted = Array.from({ length: 1_500 }, (_, n) => ({
      ...{ jobId, planId, model, number: 98_500 + n, since: NOON, uploadBytes: 200_000_000 },
      ...(n < 200 ? { admission: { at: NOON, estimate: { tokens: 50_000_000, limit: 2_000_000_000 } } } : {}),
    }));
    expect(JSON.stringify(admitted).length).toBeLessThan(380_000); // an item of the table holds 400 KB
    expect(await ledger.replaceAdmissions({ version: 0, admitted, measured: {} })).toBe(true);
    expect((await ledger.readAdmissions()).admitted).toEqual(admitted);
  });

  it('stores the creates of the last hour, and lets only one of two writers change them', async () => {
    const { ledger } = made();
    expect(await ledger.readCreateWindow()).toEqual({ version: 0, minutes: [] });
    const minutes = [{ minute: 29_366_640, creates: 31 }];
    expect(await ledger.replaceCreateWindow({ version: 0, minutes })).toBe(true);
    expect(await ledger.replaceCreateWindow({ version: 0, minutes: [] })).toBe(false);
    expect(await ledger.readCreateWindow()).toEqual({ version: 1, minutes });
    expect(await ledger.replaceCreateWindow({ version: 1, minutes: [] })).toBe(true);
    expect(await ledger.readCreateWindow()).toEqual({ version: 2, minutes: [] });
  });

  it('is not paused at first, and a pause applies to everyone', async () => {
    const { ledger } = made();
    expect(await ledger.readControl()).toEqual({ version: 0, paused: false });
    expect(await ledger.replaceControl({ version: 0, paused: true })).toBe(true);
    expect(await ledger.replaceControl({ version: 0, paused: false })).toBe(false);
    const pollLease = { holder: 'poller', until: NOON };
    expect(await ledger.replaceControl({ version: 1, paused: true, pollLease })).toBe(true);
    expect(await ledger.readControl()).toEqual({ version: 2, paused: true, pollLease });
    const more = {
      full: ['gpt-4o'],
      limited: ['gpt-4o-mini'],
      partsWait: true as const,
      breakers: [
        {
          ...{ account: 'org', for: 'account' as const, operation: 'create' as const, items: ['a/b/1'] },
          ...{ since: NOON, said: 'Pay.', open: { since: NOON, probes: 1, nextProbeAt: NOON + 1 } },
        },
      ],
      uncertain: [
        { account: 'org', until: NOON, create: { intentId: 'i', until: NOON }, answered: true as const },
      ],
    };
    expect(await ledger.replaceControl({ version: 2, paused: false, ...more })).toBe(true);
    expect(await ledger.readControl()).toEqual({ version: 3, paused: false, ...more });
  });
}

function itKnowsWhatIsDue(ledger: () => Ledger): void {
  const dueAnywhere = (before: number) => dueInAnyShard(ledger(), before);

  it('finds every due job and part in exactly one shard, and nothing that is not due', async () => {
    await ledger().createJob(aJob({ dueAt: NOON }));
    await ledger().createJob(aJob({ jobId: 'later', dueAt: NOON + 1 }));
    await ledger().createJob(aJob({ jobId: 'done' }));
    await ledger().createPart(aPart({ dueAt: NOON - 1 }));
    await ledger().createPart(aPart({ number: 2 }));
    const { jobId, planId } = aPart();
    const found = await dueAnywhere(NOON);
    expect(found).toHaveLength(2);
    expect(found).toEqual(
      expect.arrayContaining([
        { kind: 'job', jobId },
        { kind: 'part', jobId, planId, number: 1 },
      ]),
    );
  });

  it('spreads items over the shards', async () => {
    for (let n = 0; n < 48; n += 1) await ledger().createJob(aJob({ jobId: `job${n}`, dueAt: NOON }));
    const counts = await Promise.all(
      Array.from({ length: DUE_SHARDS }, async (_, shard) => (await ledger().due(shard, NOON, 100)).length),
    );
    expect(counts.reduce((sum, count) => sum + count)).toBe(48);
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(4); // an even share is 12
    expect(Math.max(...counts)).toBeLessThan(24);
  });

  it('returns the longest due items first, and no more than requested', async () => {
    for (let n = 0; n < 48; n += 1) {
      await ledger().createJob(aJob({ jobId: `job${n}`, dueAt: NOON - ((n * 29) % 48) })); // in random order
    }
    for (let shard = 0; shard < DUE_SHARDS; shard += 1) {
      const all = await ledger().due(shard, NOON, 100);
      const times = all.map((item) => -((Number(item.jobId.slice(3)) * 29) % 48));
      expect(times).toEqual([...times].sort((a, b) => a - b));
      expect(await ledger().due(shard, NOON, 2)).toEqual(all.slice(0, 2));
    }
  });

  it('moves an item that is due later, and drops it when nothing remains to do', async () => {
    await ledger().createJob(aJob({ dueAt: NOON }));
    await ledger().replaceJob(aJob({ dueAt: NOON + 60_000 }));
    expect(await dueAnywhere(NOON)).toEqual([]);
    expect(await dueAnywhere(NOON + 60_000)).toHaveLength(1);
    await ledger().replaceJob(aJob({ version: 2 }));
    expect(await dueAnywhere(NOON + 60_000)).toEqual([]);
  });
}

function itSaysOfPartsWhatIsDue(ledger: () => Ledger): void {
  const dueAnywhere = (before: number) => dueInAnyShard(ledger(), before);

  it('says which batch to observe for a part that only has to be observed', async () => {
    const { jobId, planId } = aPart();
    const running = { dueAt: NOON, rev: 1, publishedRev: 1, batch: aBatch() };
    const intent = { id: 'intent', at: NOON, account: 'org', fileId: 'file-1', sendBy: NOON };
    await ledger().createPart(aPart({ ...running, intent }));
    const open = {
      batchId: 'batch_1',
      createdAt: NOON,
      status: 'validating',
      model: 'gpt-4o-mini',
      uploadBytes: 1190,
      rows: 3,
      jobCreatedAt: NOON,
      account: 'org',
      intentId: 'intent',
      fileId: 'file-1',
    };
    expect(await dueAnywhere(NOON)).toEqual([{ kind: 'part', jobId, planId, number: 1, open }]);
    await ledger().replacePart(aPart({ ...running, version: 1, cancelRequestedAt: NOON }));
    expect(await dueAnywhere(NOON)).toEqual([{ kind: 'part', jobId, planId, number: 1 }]);
    await ledger().replacePart(aPart({ ...running, version: 2, batch: aBatch({ status: 'in_progress' }) }));
    const { account, intentId, ...anybodys } = open;
    expect(await dueAnywhere(NOON)).toMatchObject([{ open: { ...anybodys, status: 'in_progress' } }]);
  });

  it('says when it is the turn of a part that only waits for capacity', async () => {
    const { jobId, planId } = aPart();
    const waiting = { for: 'enqueued_tokens', since: NOON } as const;
    const waits = {
      jobId,
      planId,
      number: 1,
      jobCreatedAt: NOON,
      model: 'gpt-4o-mini',
      uploadBytes: 1190,
      rows: 3,
      waiting,
    };
    await ledger().createPart(aPart({ dueAt: NOON, waiting }));
    expect(await dueAnywhere(NOON)).toEqual([{ kind: 'part', jobId, planId, number: 1, waits }]);
    await ledger().replacePart(aPart({ dueAt: NOON, waiting, cancelRequestedAt: NOON }));
    expect(await dueAnywhere(NOON)).toEqual([{ kind: 'part', jobId, planId, number: 1 }]);
  });
}

async function dueInAnyShard(ledger: Ledger, before: number): Promise<DueItem[]> {
  const shards = Array.from({ length: DUE_SHARDS }, (_, shard) => ledger.due(shard, before, 100));
  return (await Promise.all(shards)).flat();
}

function itForgetsWhatExpired(made: () => LedgerUnderTest): void {
  it('does not show expired items, and lets them be created again', async () => {
    const { ledger, clock } = made();
    const expiresAt = NOON + 1_500;
    await ledger.createJob(aJob({ expiresAt }));
    await ledger.createPart(aPart({ expiresAt }));
    await ledger.putBatchPointer('batch_1', aPart(), expiresAt);
    clock.advance(1_499);
    expect(await ledger.readJob(aJob().jobId)).toEqual(aJob({ expiresAt }));
    expect(await ledger.createJob(aJob())).toBe(false);
    expect(await ledger.partsOf(aPart().jobId, aPart().planId)).toHaveLength(1);
    clock.advance(1);
    expect(await ledger.readJob(aJob().jobId)).toBeUndefined();
    expect(await ledger.readPart(aPart())).toBeUndefined();
    expect(await ledger.partsOf(aPart().jobId, aPart().planId)).toEqual([]);
    expect(await ledger.readBatchPointer('batch_1')).toBeUndefined();
    expect(await ledger.createJob(aJob({ tries: 9 }))).toBe(true);
    expect((await ledger.readJob(aJob().jobId))?.tries).toBe(9);
  });
}
