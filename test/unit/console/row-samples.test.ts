import { describe, expect, it } from 'vitest';
import { sampleRows } from '../../../bin/console/jobs/row-samples.ts';
import { SmallWorld } from '../small-world.ts';

const row = (customId: string, body: object) =>
  `${JSON.stringify({ custom_id: customId, method: 'POST', url: '/v1/chat/completions', body: { model: 'm', ...body } })}\n`;
const asks = (content: unknown) => ({ messages: [{ role: 'user', content }] });

describe('the sampled rows of a job', () => {
  it('are the first ten, with their prompts, in the order of the file', async () => {
    const world = new SmallWorld();
    const file = Array.from({ length: 12 }, (_, at) => row(`r${at}`, asks(`Question ${at}`))).join('');
    const jobId = await world.drop('a.jsonl', file);
    await world.rest();
    const rows = await sampleRows(world, world.job(jobId), 'succeeded');
    expect(rows.map(({ customId, line, prompt }) => [customId, line, prompt])).toEqual(
      Array.from({ length: 10 }, (_, at) => [`r${at}`, at + 1, `user: Question ${at}`]),
    );
    expect(rows.every(({ answer, error }) => typeof answer === 'string' && error === undefined)).toBe(true);
  });

  it('that failed have their error, and are found far behind the others', async () => {
    const world = new SmallWorld({
      rerun: { maxAttempts: 1 },
      fate: () => ({ row: (id) => (id === 'bad' ? { statusCode: 400 } : 'succeeded') }),
    });
    const file = `${Array.from({ length: 200 }, (_, at) => row(`r${at}`, asks('x'))).join('')}\n${row('bad', asks([{ type: 'text', text: 'Why?' }]))}`;
    const jobId = await world.drop('a.jsonl', file);
    await world.rest();
    expect(await sampleRows(world, world.job(jobId), 'failed')).toEqual([
      {
        customId: 'bad',
        error: { code: expect.any(String), message: expect.any(String) },
        line: 202,
        prompt: 'user: Why?',
        cut: false,
      },
    ]);
  });

  it('show other bodies as JSON, cut long ones, and miss their prompts when the request file is gone', async () => {
    const world = new SmallWorld();
    const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,AA' } };
    const file = row('image', asks([image])) + row('long', asks('x'.repeat(30_000)));
    const { jobId, event, versionId } = world.upload('a.jsonl', file);
    await world.intake(event);
    await world.rest();
    const [pictured, long] = await sampleRows(world, world.job(jobId), 'succeeded');
    expect(JSON.parse(pictured?.prompt ?? '')).toEqual({ model: 'm', ...asks([image]) });
    expect({ length: long?.prompt?.length, cut: long?.cut }).toEqual({ length: 20_000, cut: true });
    world.requestFiles.remove({ bucket: 'requests', key: 'a.jsonl', versionId });
    const alone = await sampleRows(world, world.job(jobId), 'succeeded');
    expect(alone.map(({ customId, prompt, line }) => ({ customId, prompt, line }))).toEqual([
      { customId: 'image' },
      { customId: 'long' },
    ]);
  });

  it('are none before the job has ended', async () => {
    const world = new SmallWorld();
    const jobId = await world.drop('a.jsonl', row('r', asks('x')));
    expect(await sampleRows(world, world.job(jobId), 'succeeded')).toEqual([]);
  });
});
