import { beforeEach, describe, expect, it } from 'vitest';
import { jobIdOf } from '../../../functions/shared/domain/job-id.ts';
import type { JobSummary } from '../../../functions/shared/domain/job-summary.ts';
import { MAX_TRIES } from '../../../functions/shared/domain/timing.ts';
import type { JobsQuery, Ledger, LedgerQueries } from '../../../functions/shared/ports/ports.ts';
import type { ManualClock } from '../../fakes/manual-clock.ts';
import { aJob, aPart, NOON } from '../samples.ts';

/** A new ledger with its queries, on a clock that starts at noon. */
export interface QueriesUnderTest {
  ledger: Ledger;
  queries: LedgerQueries;
  clock: ManualClock;
}

const MINUTE = 60_000;

/** Returns a job id for a number. */
const idOf = (n: number) => jobIdOf({ bucket: 'requests', key: 'k', versionId: String(n) });

/** The contract of a ledger's queries. */
export function describeQueriesContract(name: string, make: () => Promise<QueriesUnderTest>): void {
  describe(`${name} as a ledger that is queried`, () => {
    let made: QueriesUnderTest;
    beforeEach(async () => {
      made = await make();
    });

    itListsJobs(() => made);
    itSummarizesJobs(() => made);
    itFindsIds(() => made);
    itKnowsWhatIsOpen(() => made);
  });
}

/** Returns every page from the first to the last. */
async function pagesOf(queries: LedgerQueries, query: JobsQuery): Promise<JobSummary[][]> {
  const pages: JobSummary[][] = [];
  let cursor: string | undefined;
  do {
    const page = await queries.listJobs({ ...query, ...(cursor !== undefined && { cursor }) });
    pages.push(page.jobs);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return pages;
}

const idsIn = (jobs: readonly { jobId: string }[]) => jobs.map(({ jobId }) => jobId);

function itListsJobs(made: () => QueriesUnderTest): void {
  it('lists no job of an empty ledger', async () => {
    expect(await made().queries.listJobs({ limit: 10 })).toEqual({ jobs: [] });
  });

  it('lists every job once, newest first, in pages that are full except for the last', async () => {
    const { ledger, queries } = made();
    const jobs = Array.from({ length: 45 }, (_, n) =>
      aJob({ jobId: idOf(n), createdAt: NOON + Math.floor(((n * 29) % 45) / 3) * MINUTE }),
    ); // in random order, three in each millisecond
    for (const job of jobs) await ledger.createJob(job);
    const pages = await pagesOf(queries, { limit: 15 });
    expect(pages.map(({ length }) => length)).toEqual([15, 15, 15]);
    const times = pages.flat().map(({ createdAt }) => createdAt);
    expect(times).toEqual(times.toSorted((a, b) => b - a));
    expect(idsIn(pages.flat()).toSorted()).toEqual(idsIn(jobs).toSorted());
    expect((await pagesOf(queries, { limit: 7 })).flat()).toEqual(pages.flat());
    expect(await pagesOf(queries, { limit: 100 })).toEqual([pages.flat()]);
  });

  it('continues a list as it began, whatever was created in between', async () => {
    const { ledger, queries } = made();
    for (const n of [1, 2, 3]) await ledger.createJob(aJob({ jobId: idOf(n), createdAt: NOON + n }));
    const { jobs, cursor } = await queries.listJobs({ limit: 2 });
    expect(idsIn(jobs)).toEqual([idOf(3), idOf(2)]);
    await ledger.createJob(aJob({ jobId: idOf(4), createdAt: NOON + 4 }));
    const next = await queries.listJobs({ limit: 2, cursor: cursor ?? '' });
    expect(idsIn(next.jobs)).toEqual([idOf(1)]);
    expect(next.cursor).toBeUndefined();
  });

  it('reaches a job that is alone in its year', async () => {
    const { ledger, queries } = made();
    await ledger.createJob(aJob({ jobId: idOf(1), createdAt: NOON - 400 * 24 * 60 * MINUTE }));
    await ledger.createJob(aJob({ jobId: idOf(2) }));
    expect(idsIn((await pagesOf(queries, { limit: 1 })).flat())).toEqual([idOf(2), idOf(1)]);
  });

  it('lists the jobs since a time, including that time', async () => {
    const { ledger, queries } = made();
    for (const n of [1, 2, 3]) await ledger.createJob(aJob({ jobId: idOf(n), createdAt: NOON + n }));
    expect(idsIn((await queries.listJobs({ limit: 9, since: NOON + 2 })).jobs)).toEqual([idOf(3), idOf(2)]);
    expect(idsIn((await queries.listJobs({ limit: 9, since: -1e15 })).jobs)).toHaveLength(3);
    expect((await queries.listJobs({ limit: 9, since: NOON + 4 })).jobs).toEqual([]);
  });

  it('lists the jobs in one status, also over more than one page of the index', async () => {
    const { ledger, queries } = made();
    const reason = { code: 'c', message: 'x'.repeat(30_000) };
    const ids = Array.from({ length: 150 }, (_, n) => idOf(n)); // 150 × 30 KB in 4 shards; a page ends at 1 MB
    for (const [n, jobId] of ids.entries()) {
      const status = n % 3 === 0 ? 'failed' : 'completed';
      await ledger.createJob(aJob({ jobId, createdAt: NOON + n, status, reason }));
    }
    const pages = await pagesOf(queries, { limit: 20, status: 'failed' });
    expect(pages.map(({ length }) => length)).toEqual([20, 20, 10]);
    expect(idsIn(pages.flat())).toEqual(ids.filter((_, n) => n % 3 === 0).toReversed());
    expect(await queries.listJobs({ limit: 20, status: 'expired' })).toEqual({ jobs: [] });
  });

  it('does not list a job that has expired', async () => {
    const { ledger, queries, clock } = made();
    await ledger.createJob(aJob({ jobId: idOf(1), expiresAt: NOON + 1_000 }));
    await ledger.createJob(aJob({ jobId: idOf(2) }));
    expect((await queries.listJobs({ limit: 9 })).jobs).toHaveLength(2);
    clock.advance(1_000);
    expect(idsIn((await queries.listJobs({ limit: 9 })).jobs)).toEqual([idOf(2)]);
  });

  it('refuses a cursor that no page returned', async () => {
    const refused = made().queries.listJobs({ limit: 9, cursor: 'elsewhere' });
    await expect(refused).rejects.toMatchObject({ name: 'TerminalError', code: 'invalid_cursor' });
  });
}

function itSummarizesJobs(made: () => QueriesUnderTest): void {
  it('keeps what is not known of a cost as null', async () => {
    const { ledger, queries } = made();
    const cost = { currency: 'USD', list: null, paid: null, rowsWithoutUsage: 1 };
    await ledger.createJob(aJob({ status: 'completed', cost: { ...cost, models: [] } }));
    expect((await queries.listJobs({ limit: 1 })).jobs).toMatchObject([{ cost }]);
  });

  it('shows the fields of a job that a list needs, and their changes', async () => {
    const { ledger, queries } = made();
    const { jobId, request, createdAt, expiresAt } = aJob();
    const { bucket, key, versionId, size } = request;
    const first = { jobId, requestFile: { bucket, key, versionId, size }, createdAt, expiresAt };
    await ledger.createJob(aJob());
    expect(await queries.listJobs({ limit: 1 })).toEqual({
      jobs: [{ ...first, status: 'received', changedAt: NOON, history: [], published: true }],
    });
    const rows = { total: 9, succeeded: 4, failed: 1, expired: 2, cancelled: 1, missing: 1 };
    const usage = {
      ...{ inputTokens: 5, cachedInputTokens: 1, outputTokens: 7 },
      ...{ reasoningTokens: 0, totalTokens: 12 },
    };
    const reason = { code: 'expired', message: 'Two rows did not run in time: „zu spät“.' };
    const plan = { planId: 'p', parts: 2, rows: 9, groups: 1 };
    const ended = { status: 'expired', rev: 3, publishedRev: 2, changedAt: NOON + 9 } as const;
    const waiting = { for: 'enqueued_tokens' } as const;
    const history = [
      { status: 'accepted', at: NOON + 1 },
      { status: 'expired', at: NOON + 9 },
    ] as const;
    const lastCancel = { at: NOON + 10, outcome: 'too_late', message: 'The job had expired.' } as const;
    const seen = { history: [...history], lastCancel, rows, usage, reason };
    await ledger.replaceJob(aJob({ ...ended, plan, waiting, ...seen }));
    const expired = {
      ...{ ...first, status: 'expired', changedAt: NOON + 9, published: false },
      ...{ plannedRows: 9, plannedParts: 2, waitingFor: 'enqueued_tokens', ...seen },
    };
    expect(await queries.listJobs({ limit: 1 })).toEqual({ jobs: [expired] });
  });

  it('shows the number of findings of a rejected file, and which job another one joined', async () => {
    const { ledger, queries } = made();
    const findings = { count: 30, first: [{ line: 1, code: 'invalid_json', message: 'Line 1 is not JSON' }] };
    await ledger.createJob(aJob({ jobId: idOf(1), status: 'rejected', findings }));
    await ledger.createJob(aJob({ jobId: idOf(2), status: 'joined', joinedJobId: idOf(1) }));
    const { jobs } = await queries.listJobs({ limit: 9 });
    expect(jobs.find(({ jobId }) => jobId === idOf(1))).toMatchObject({ status: 'rejected', findings: 30 });
    expect(jobs.find(({ jobId }) => jobId === idOf(2))).toMatchObject({ joinedJobId: idOf(1) });
  });
}

function itFindsIds(made: () => QueriesUnderTest): void {
  it('finds the job ids with a prefix in alphabetical order, and no more than requested', async () => {
    const { ledger, queries } = made();
    const ids = ['abcdz', 'abcda', 'abcdm', 'abceq', 'xbcda'].map((start) => start.padEnd(26, '2'));
    for (const jobId of ids) {
      await ledger.createJob(aJob({ jobId }));
      await ledger.createPart(aPart({ jobId }));
    }
    const [z, a, m, q] = ids;
    expect(await queries.jobIdsWith('abcd', 10)).toEqual([a, m, z]);
    expect(await queries.jobIdsWith('abcd', 2)).toEqual([a, m]);
    expect(await queries.jobIdsWith('abcdm', 10)).toEqual([m]);
    expect(await queries.jobIdsWith(q ?? '', 10)).toEqual([q]);
    expect(await queries.jobIdsWith('abcf', 10)).toEqual([]);
  });

  it('does not find the id of a job that has expired', async () => {
    const { ledger, queries, clock } = made();
    await ledger.createJob(aJob({ jobId: idOf(1), expiresAt: NOON + 1_000 }));
    clock.advance(1_000);
    expect(await queries.jobIdsWith(idOf(1).slice(0, 4), 10)).toEqual([]);
  });
}

function itKnowsWhatIsOpen(made: () => QueriesUnderTest): void {
  it('returns the jobs that have not ended, oldest first', async () => {
    const { ledger, queries } = made();
    const open = (n: number) => aJob({ jobId: idOf(n), createdAt: NOON - n, dueAt: NOON + n * MINUTE });
    for (const n of [2, 1, 3]) await ledger.createJob(open(n));
    await ledger.createJob(aJob({ jobId: idOf(4), status: 'completed', dueAt: NOON })); // not cleaned up yet
    await ledger.createJob(aJob({ jobId: idOf(5), status: 'completed' }));
    await ledger.createPart(aPart({ dueAt: NOON }));
    expect(await queries.openJobs()).toEqual([open(3), open(2), open(1)]);
  });

  it('returns the stalled parts and jobs with their reasons, until they are no longer stalled', async () => {
    const { ledger, queries } = made();
    const reason = { code: 'tries_used_up', message: 'search: 14 tries have failed' };
    const { jobId, planId } = aPart();
    const dueAt = NOON + 30 * MINUTE;
    const stalledPart = (number: number) => aPart({ number, stalled: reason, tries: MAX_TRIES, dueAt });
    for (const number of [10, 2]) await ledger.createPart(stalledPart(number));
    await ledger.createPart(aPart({ number: 3, tries: 0, stalled: reason, dueAt })); // a step has succeeded since then
    const stalledJob = aJob({ status: 'submitted', tries: MAX_TRIES, dueAt });
    await ledger.createJob(stalledJob);
    await ledger.createJob(aJob({ jobId: idOf(1), status: 'received', tries: MAX_TRIES, dueAt }));
    await ledger.createJob(aJob({ jobId: idOf(2), status: 'failed', tries: MAX_TRIES }));
    expect(await queries.listStalled()).toEqual([
      { kind: 'job', jobId, reason: { code: 'tries_used_up', message: expect.stringContaining('14 tries') } },
      { kind: 'part', jobId, planId, number: 2, reason },
      { kind: 'part', jobId, planId, number: 10, reason },
    ]);
    await ledger.replaceJob({ ...stalledJob, tries: 0 });
    for (const number of [10, 2]) await ledger.replacePart(aPart({ number, dueAt }));
    expect(await queries.listStalled()).toEqual([]);
  });

  it('returns a part that a person has to release, although none of its tries has failed', async () => {
    const { ledger, queries } = made();
    const reason = { code: 'create_uncertain', message: '2 creates of the part have no known outcome' };
    const part = aPart({ phase: 'stalled', stalled: reason, dueAt: NOON + 30 * MINUTE });
    await ledger.createPart(part);
    const { jobId, planId, number } = part;
    expect(await queries.listStalled()).toEqual([{ kind: 'part', jobId, planId, number, reason }]);
    expect(await queries.listDelayed()).toEqual([]);
    await ledger.replacePart({ ...aPart({ phase: 'ready', releases: 1, dueAt: NOON }), version: 1 });
    expect(await queries.listStalled()).toEqual([]);
  });

  it('returns the parts and jobs that wait for a temporary condition, without the stalled ones', async () => {
    const { ledger, queries } = made();
    const { jobId, planId } = aPart();
    const obstacle = { for: 'results', since: NOON, said: '2 of 3 rows have no line' } as const;
    const dueAt = NOON + 30 * MINUTE;
    const reason = { code: 'tries_used_up', message: 'search: 14 tries have failed' };
    await ledger.createPart(aPart({ number: 1, obstacle, stalled: reason, tries: MAX_TRIES, dueAt }));
    await ledger.createPart(aPart({ number: 2, obstacle, dueAt }));
    await ledger.createPart(aPart({ number: 3, dueAt }));
    await ledger.createPart(aPart({ number: 4, obstacle })); // nothing remains to do
    await ledger.createJob(
      aJob({ status: 'submitted', obstacle: { for: 'unreachable', since: NOON }, dueAt }),
    );
    expect(await queries.listDelayed()).toEqual([
      { kind: 'job', jobId, for: 'unreachable', said: 'no reason given' },
      { kind: 'part', jobId, planId, number: 2, for: 'results', said: '2 of 3 rows have no line' },
    ]);
    expect(await queries.listStalled()).toEqual([{ kind: 'part', jobId, planId, number: 1, reason }]);
    await ledger.replacePart(aPart({ number: 2, dueAt }));
    expect(await queries.listDelayed()).toHaveLength(1);
  });

  it('returns the parts that only wait for admission in the order in which they are admitted', async () => {
    const { ledger, queries } = made();
    const waits = (n: number, number: number, differences: object = {}) =>
      aPart({
        ...{ jobId: idOf(n), number, jobCreatedAt: NOON - n, dueAt: NOON },
        ...{ waiting: { for: 'token_limit', since: NOON, alone: true }, ...differences },
      });
    for (const part of [waits(1, 1), waits(3, 2), waits(3, 1), waits(2, 1)]) await ledger.createPart(part);
    await ledger.createPart(waits(4, 1, { cancelRequestedAt: NOON }));
    await ledger.createPart(aPart({ phase: 'ready', dueAt: NOON }));
    const found = await queries.waitingParts();
    expect(found.map(({ jobId, number }) => [jobId, number])).toEqual([
      [idOf(3), 1],
      [idOf(3), 2],
      [idOf(2), 1],
      [idOf(1), 1],
    ]);
    expect(found[0]).toMatchObject({
      model: 'gpt-4o-mini',
      waiting: { for: 'token_limit', since: NOON, alone: true },
    });
  });
}
