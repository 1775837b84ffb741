import { describe, expect, it } from 'vitest';
import { RetryableError } from '../../../functions/shared/domain/errors.ts';
import type { Job } from '../../../functions/shared/domain/job.ts';
import { withFaults } from '../../fakes/faulty.ts';
import { fileOf, MINUTE, SmallWorld } from '../small-world.ts';

const ENDED = { 'batchdrop-job': 'ended' };
const MONTH_IN_MINUTES = 30 * 24 * 60;

const tagsOf = (world: SmallWorld, jobId: string) => world.requestFiles.tagsOf(world.job(jobId).request);

describe('the request file of a job', () => {
  it('has no tag while the job is open, for however long, and has one after its end', async () => {
    const world = new SmallWorld({ fate: () => ({ runningMs: 20 * 60 * MINUTE }) });
    const jobId = await world.drop('a.jsonl', fileOf('r1'));
    await world.pass(15 * 60);
    expect(world.job(jobId).status).toBe('submitted');
    expect(tagsOf(world, jobId)).toEqual({});
    await world.rest();
    expect(world.job(jobId)).toMatchObject({ status: 'completed', cleanedUp: true });
    expect(tagsOf(world, jobId)).toEqual(ENDED);
  });

  it.each<[Job['status'], (world: SmallWorld) => Promise<string>]>([
    ['rejected', (world) => world.drop('a.jsonl', 'no json\n')],
    ['rejected', (world) => world.drop('a.csv', fileOf('r1'))],
    [
      'joined',
      async (world) => {
        await world.drop('a.jsonl', fileOf('r1'));
        return world.drop('a.jsonl', fileOf('r1'));
      },
    ],
    [
      'cancelled',
      async (world) => {
        await world.cancel({ bucket: 'requests', key: 'a.jsonl' }, world.clock.now() + MINUTE);
        return world.drop('a.jsonl', fileOf('r1'));
      },
    ],
    [
      'failed',
      (world) => {
        world.ports.requestFiles = withFaults(world.requestFiles, (method) =>
          method === 'read' ? { failBefore: new RetryableError('bytes do not match') } : 'ok',
        );
        return world.drop('a.jsonl', fileOf('r1'));
      },
    ],
  ])('has the tag when the job is %s', async (status, play) => {
    const world = new SmallWorld();
    const jobId = await play(world);
    await world.rest();
    expect(world.job(jobId)).toMatchObject({ status, cleanedUp: true });
    expect(tagsOf(world, jobId)).toEqual(ENDED);
  });

  it('keeps the tags that it had', async () => {
    const world = new SmallWorld();
    const { event, versionId } = world.upload('a.jsonl', fileOf('r1'));
    const file = { bucket: 'requests', key: 'a.jsonl', versionId };
    world.requestFiles.setTags(file, { team: 'search' });
    await world.intake(event);
    await world.rest();
    expect(world.requestFiles.tagsOf(file)).toEqual({ team: 'search', ...ENDED });
  });

  it('that cannot have another tag remains unchanged, and the log says so', async () => {
    const world = new SmallWorld();
    const { event, jobId, versionId } = world.upload('a.jsonl', fileOf('r1'));
    const ten = Object.fromEntries(Array.from({ length: 10 }, (_, at) => [`tag-${at}`, 'x']));
    world.requestFiles.setTags({ bucket: 'requests', key: 'a.jsonl', versionId }, ten);
    await world.intake(event);
    await world.rest();
    expect(tagsOf(world, jobId)).toEqual(ten);
    expect(world.job(jobId)).toMatchObject({ status: 'completed', cleanedUp: true });
    expect(world.log.lines.map(({ code }) => code)).toContain('request_file_not_tagged');
  });

  it('that is gone does not prevent the clean-up of its job', async () => {
    const world = new SmallWorld();
    const jobId = await world.drop('a.jsonl', fileOf('r1'));
    await world.work();
    world.requestFiles.remove(world.job(jobId).request);
    await world.rest();
    expect(world.job(jobId)).toMatchObject({ status: 'completed', cleanedUp: true });
  });
});

describe('a tag that is refused', () => {
  it('delays neither the end of the job nor the deletions, and is retried', async () => {
    let isRefused = true;
    const world = new SmallWorld({
      replaced: ({ requestFiles }) => ({
        requestFiles: withFaults(requestFiles, (method) =>
          method === 'tagEnded' && isRefused
            ? { failBefore: new RetryableError('AccessDenied', { waitsFor: 'unreachable' }) }
            : 'ok',
        ),
      }),
    });
    const jobId = await world.drop('a.jsonl', fileOf('r1'));
    await world.pass(60);
    expect(world.jobStatuses(jobId).at(-1)).toBe('completed');
    expect(world.api.files()).toEqual([]);
    expect([...world.results.objects().keys()].filter((key) => key.startsWith('_batchdrop/jobs/'))).toEqual(
      [],
    );
    expect(tagsOf(world, jobId)).toEqual({});
    isRefused = false;
    await world.rest();
    expect(tagsOf(world, jobId)).toEqual(ENDED);
  });

  it('permanently is abandoned with the rest of the clean-up', async () => {
    const world = new SmallWorld({
      replaced: ({ requestFiles }) => ({
        requestFiles: withFaults(requestFiles, (method) =>
          method === 'tagEnded' ? { failBefore: new RetryableError('AccessDenied') } : 'ok',
        ),
      }),
    });
    const jobId = await world.drop('a.jsonl', fileOf('r1'));
    await world.rest(MONTH_IN_MINUTES);
    expect(world.job(jobId)).toMatchObject({ status: 'completed', cleanedUp: true });
    expect(tagsOf(world, jobId)).toEqual({});
  });
});
