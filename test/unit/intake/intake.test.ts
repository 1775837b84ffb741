import { describe, expect, it } from 'vitest';
import { createHandler } from '../../../functions/intake/handler.ts';
import { intakeJob } from '../../../functions/intake/intake-job.ts';
import { RetryableError, TerminalError } from '../../../functions/shared/domain/errors.ts';
import { takeJob } from '../../../functions/shared/lifecycle/compare-and-set.ts';
import { aJob } from '../../contracts/samples.ts';
import { withFaults } from '../../fakes/faulty.ts';
import { fileOf, fileOfTwoParts, MINUTE, REQUESTS, RESULTS, row, SmallWorld } from '../small-world.ts';

const s3Event = (object: object, bucket = REQUESTS) =>
  JSON.stringify({ detail: { bucket: { name: bucket }, object } });

describe('a file', () => {
  it('is accepted with its rows and parts, and its metadata is in every event and batch', async () => {
    const world = new SmallWorld();
    const jobId = await world.drop('a b/ü.jsonl', fileOfTwoParts(), { 'batch-team': 'search', other: 'x' });
    expect(world.bus.published()[0]?.detail.data).toMatchObject({
      status: 'accepted',
      plannedRows: 2,
      plannedParts: 2,
      requestFile: { bucket: REQUESTS, key: 'a b/ü.jsonl' },
      metadata: { team: 'search' },
    });
    await world.rest();
    const { creates } = world.api.audit();
    expect(creates.map(({ metadata }) => metadata)).toEqual(
      [1, 2].map((number) => ({
        team: 'search',
        batchdrop_job: jobId,
        batchdrop_part: String(number),
        batchdrop_intent: expect.any(String),
      })),
    );
  });

  it('whose event arrives again creates no second job and no second batch', async () => {
    const world = new SmallWorld();
    const { jobId, event } = world.upload('a.jsonl', fileOf('r1'));
    await world.intake(event);
    await world.intake(event);
    await world.rest();
    await world.intake(event);
    await world.rest();
    expect(world.jobStatuses(jobId)).toEqual(['accepted', 'submitted', 'completed']);
    expect(world.api.audit().creates).toHaveLength(1);
  });

  it('that was cancelled before it was read is not rejected, whatever is in it', async () => {
    const world = new SmallWorld();
    const job = aJob({
      cancelRequestedAt: 7,
      request: { ...aJob().request, instructions: { rerrun: 'yes' } },
    });
    await world.ledger.createJob(job);
    const inHand = await takeJob(world.ports, job.jobId);
    if (inHand) await intakeJob(world.ports, inHand, world.deadline());
    expect([...world.results.objects().keys()]).toEqual([]);
    expect(world.job(job.jobId)).toMatchObject({ status: 'received', cancelRequestedAt: 7 });
  });

  it.each([
    ['any of its models', { enqueuedTokens: { second: 1_000 } }, { for: 'enqueued_tokens' }],
    ['all models', { maxOpenBatches: 1 }, { for: 'open_batches' }],
    ['none of its models', { enqueuedTokens: { third: 1_000 } }, undefined],
  ])('whose parts may wait for a limit on %s says so', async (_, limits, waiting) => {
    const world = new SmallWorld({ limits });
    const ofModel = (model: string) => `${row(model, { body: { model, messages: [] } })}\n`;
    const jobId = await world.drop('a.jsonl', ofModel('first') + ofModel('second'));
    expect(world.job(jobId)).toMatchObject({ status: 'accepted', plan: { parts: 2 } });
    expect(world.job(jobId).waiting).toEqual(waiting);
  });

  it('that is invalid is rejected with a report, and nothing is submitted', async () => {
    const world = new SmallWorld();
    const bad = Array.from({ length: 30 }, (_, n) => `not json ${n}\n`).join('');
    const jobId = await world.drop('a.jsonl', bad);
    await world.rest();
    expect(world.jobStatuses(jobId)).toEqual(['rejected']);
    expect(world.api.audit().uploads).toEqual([]);
    const [event] = world.bus.published();
    const key = `a.jsonl/${jobId}/rejected.json`;
    expect(event?.detail.data).toMatchObject({ findings: { count: 30 }, report: { bucket: 'results', key } });
    expect(event?.detail.data).toHaveProperty('findings.first.length', 20);
    const report = JSON.parse(Buffer.from(world.results.objects().get(key)?.body ?? '').toString());
    expect(report).toMatchObject({ jobId, count: 30 });
    expect(report.findings).toHaveLength(30);
  });

  it.each([
    ['with an unsupported name', 'a.csv', {}, 'unsupported_name'],
    [
      'with too much metadata',
      'a.jsonl',
      Object.fromEntries(Array.from({ length: 11 }, (_, n) => [`batch-${n}`, 'x'])),
      'too_much_metadata',
    ],
  ])('%s is rejected before it is read', async (_, key, metadata, code) => {
    const world = new SmallWorld({
      replaced: ({ requestFiles }) => ({
        requestFiles: withFaults(requestFiles, (method) =>
          method === 'read' ? { failBefore: new Error('was read') } : 'ok',
        ),
      }),
    });
    const jobId = await world.drop(key, fileOf('r1'), metadata);
    expect(world.jobStatuses(jobId)).toEqual(['rejected']);
    expect(world.job(jobId).findings?.first[0]?.code).toBe(code);
  });

  it.each([
    ['has no version', {}],
    ['has the version "null"', { 'version-id': 'null' }],
  ])('of a bucket without versions is rejected: the event %s', async (_, version) => {
    const world = new SmallWorld({
      replaced: ({ requestFiles }) => ({
        requestFiles: {
          ...requestFiles,
          head: async () => ({ size: 9, etag: 'e', versionId: undefined, lastModified: 0, metadata: {} }),
        },
      }),
    });
    await world.intake(s3Event({ key: 'a.jsonl', size: 9, etag: 'e', ...version }));
    const [job] = world.ledger.jobs();
    expect(job?.findings?.first).toEqual([expect.objectContaining({ code: 'unversioned' })]);
    expect(world.jobStatuses(job?.jobId ?? '')).toEqual(['rejected']);
    expect(world.results.objects().size).toBe(1);
  });

  it('of a bucket without versions is rejected once per upload', async () => {
    const world = new SmallWorld({
      replaced: ({ requestFiles }) => ({
        requestFiles: {
          ...requestFiles,
          head: async () => ({ size: 9, etag: 'e', versionId: undefined, lastModified: 0, metadata: {} }),
        },
      }),
    });
    for (const sequencer of ['A1', 'A2', 'A2', 'A3'])
      await world.intake(s3Event({ key: 'a.jsonl', size: 9, etag: 'e', sequencer }));
    expect(world.ledger.jobs().map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(world.bus.published()).toHaveLength(3);
    expect(world.results.objects().size).toBe(3);
  });

  it.each(['evening/', 'evening/files.jsonl/', 'evening_$folder$'])(
    'that marks the folder %s is ignored',
    async (key) => {
      const world = new SmallWorld();
      await world.intake(world.upload(key, '').event);
      await world.rest();
      expect(world.ledger.jobs()).toEqual([]);
      expect(world.bus.published()).toEqual([]);
      expect(world.results.objects().size).toBe(0);
    },
  );

  it('with bytes, under a key like that of a folder, is rejected', async () => {
    const world = new SmallWorld();
    const jobId = await world.drop('evening/', fileOf('r1'));
    expect(world.job(jobId).findings?.first[0]?.code).toBe('unsupported_name');
  });

  it('that was deleted before its event arrived creates no job', async () => {
    const world = new SmallWorld();
    await world.intake(s3Event({ key: 'a.jsonl', 'version-id': 'v9', size: 1, etag: 'e' }));
    expect(world.ledger.jobs()).toEqual([]);
    expect(world.log.lines.map(({ code }) => code)).toEqual(['arrival_without_object']);
  });

  it('that is deleted before it is read fails at once, with this reason', async () => {
    const world = new SmallWorld({
      replaced: ({ requestFiles }) => ({
        requestFiles: withFaults(requestFiles, (method) =>
          method === 'read' ? { failBefore: new TerminalError('object_gone', 'it is gone') } : 'ok',
        ),
      }),
    });
    const jobId = await world.drop('a.jsonl', fileOf('r1'));
    expect(world.job(jobId)).toMatchObject({ status: 'failed', reason: { code: 'object_gone' } });
    await world.rest();
    expect(world.jobStatuses(jobId)).toEqual(['failed']);
  });

  it('whose read breaks off is read again from its start', async () => {
    let broken = 3;
    const world = new SmallWorld({
      replaced: ({ requestFiles }) => ({
        requestFiles: withFaults(requestFiles, (method) => {
          if (method !== 'read' || broken === 0) return 'ok';
          broken -= 1;
          return { failAfter: new RetryableError('reset') };
        }),
      }),
    });
    const jobId = await world.drop('a.jsonl', fileOf('r1', 'r2'));
    expect(world.job(jobId)).toMatchObject({ status: 'received', tries: 1 });
    await world.rest();
    expect(world.job(jobId)).toMatchObject({ status: 'completed', rows: { total: 2, succeeded: 2 } });
  });

  it('that cannot be read fails when its tries are used up', async () => {
    const world = new SmallWorld({
      replaced: ({ requestFiles }) => ({
        requestFiles: withFaults(requestFiles, (method) =>
          method === 'read' ? { failBefore: new RetryableError('reset') } : 'ok',
        ),
      }),
    });
    const jobId = await world.drop('a.jsonl', fileOf('r1'));
    await world.rest();
    expect(world.jobStatuses(jobId)).toEqual(['failed']);
    expect(world.job(jobId).reason?.code).toBe('tries_used_up');
  });

  it('is read no further when its invocation is aborted', async () => {
    const world = new SmallWorld();
    const { event, jobId } = world.upload('a.jsonl', fileOf('r1'));
    await world.intake(event, { ...world.deadline(), signal: AbortSignal.abort() });
    expect(world.job(jobId)).toMatchObject({ status: 'received', tries: 1 });
  });

  it('whose invocation crashed while it wrote the plan is planned again, and the first plan is never used', async () => {
    let dies = true;
    const world = new SmallWorld({
      replaced: ({ ledger }) => ({
        ledger: withFaults(ledger, (method) => {
          if (method !== 'createPart' || !dies) return 'ok';
          dies = false;
          return { failAfter: new RetryableError('died') };
        }),
      }),
    });
    const jobId = await world.drop('a.jsonl', fileOfTwoParts());
    await world.rest();
    expect(world.ledger.parts()).toHaveLength(4); // two of each plan, because parts are written in parallel
    expect(world.parts(jobId)).toHaveLength(2);
    expect(world.api.audit().creates).toHaveLength(2);
    expect(world.job(jobId).rows).toMatchObject({ total: 2, succeeded: 2 });
  });
});

describe('a message of the intake queue', () => {
  it.each([
    ['not JSON', 'hello', 'unreadable_message'],
    ['null', 'null', 'unreadable_message'],
    ['not an S3 event', '{"detail":{"bucket":"x"}}', 'unreadable_message'],
    ['an event with a numeric key', s3Event({ key: 7 }), 'unreadable_message'],
    [
      'an event of another bucket',
      s3Event({ key: 'a.jsonl', 'version-id': 'v' }, 'elsewhere'),
      'foreign_bucket',
    ],
  ])('that is %s is refused, so that it goes to the dead-letter queue', async (_, body, code) => {
    const world = new SmallWorld();
    await expect(world.intake(body)).rejects.toMatchObject({ name: 'TerminalError', code });
    expect(world.ledger.jobs()).toEqual([]);
  });

  it('with a job id resumes the job; a message for a job that does not exist is acknowledged', async () => {
    const world = new SmallWorld();
    await world.intake('{"jobId":"k5mhx3q2vwn7tjzr4ydaf6bcgs"}');
    let fails = true;
    const faulty = new SmallWorld({
      replaced: ({ requestFiles }) => ({
        requestFiles: withFaults(requestFiles, (method) =>
          method === 'read' && fails ? { failBefore: new RetryableError('reset') } : 'ok',
        ),
      }),
    });
    const jobId = await faulty.drop('a.jsonl', `${row('r1')}\n`);
    fails = false;
    faulty.clock.advance(MINUTE);
    await faulty.intake(JSON.stringify({ jobId }));
    expect(faulty.jobStatuses(jobId)).toEqual(['accepted']);
  });

  it('fails when even its failure cannot be recorded', async () => {
    const world = new SmallWorld({
      replaced: ({ ledger }) => ({
        ledger: withFaults(ledger, () => ({ failBefore: new RetryableError('the ledger is down') })),
      }),
    });
    const { event } = world.upload('a.jsonl', fileOf('r1'));
    await expect(world.intake(event)).rejects.toThrow(RetryableError);
  });
});

it('intake refuses one bucket for requests and results, because every report would be a new request file', async () => {
  const world = new SmallWorld();
  const { event } = world.upload('a.txt', 'not even a request file');
  const handle = createHandler({ ...world.ports, requestBucket: RESULTS });
  const moved = event.replace(`"name":"${REQUESTS}"`, `"name":"${RESULTS}"`);
  await expect(handle(moved, world.deadline())).rejects.toMatchObject({
    name: 'TerminalError',
    code: 'same_bucket',
  });
  expect([world.ledger.jobs(), [...world.results.objects().keys()]]).toEqual([[], []]);
});
