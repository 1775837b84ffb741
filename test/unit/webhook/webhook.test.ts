import { describe, expect, it } from 'vitest';
import { RetryableError, TerminalError } from '../../../functions/shared/domain/errors.ts';
import { findPart } from '../../../functions/webhook/find-part.ts';
import { OF_ANOTHER_PROGRAM } from '../../../functions/webhook/observe-told.ts';
import { aBatch } from '../../contracts/samples.ts';
import { withFaults } from '../../fakes/faulty.ts';
import { fileOf, HOUR, MINUTE, SmallWorld, withMethods } from '../small-world.ts';
import { signedRequest } from './signed-webhook.ts';

const SECOND = 1000;

type Settings = ConstructorParameters<typeof SmallWorld>[0];

/**
 * Returns a world with one batch that runs for half a minute. `settingsOf` receives a function that returns the world.
 */
async function running(settingsOf: (world: () => SmallWorld) => Settings = () => ({})) {
  let made: SmallWorld | undefined;
  const settings = settingsOf(() => made ?? expect.fail('the world does not exist yet'));
  const world = new SmallWorld({ webhooks: true, fate: () => ({ runningMs: 30 * SECOND }), ...settings });
  made = world;
  const jobId = await world.drop('a.jsonl', fileOf('r1', 'r2'));
  await world.work();
  const batchId = world.parts(jobId)[0]?.batch?.batchId ?? 'none';
  return { world, jobId, batchId };
}

describe('a webhook about an end', () => {
  it('publishes the end and delivers the results without a tick', async () => {
    const { world, jobId, batchId } = await running();
    world.clock.advance(5 * MINUTE);
    expect(await world.webhook(batchId)).toMatchObject({ status: 200 });
    expect(world.batchStatuses()).toEqual(['validating', 'completed']);
    await world.work();
    expect(world.job(jobId)).toMatchObject({ status: 'completed', rows: { succeeded: 2 } });
    expect(world.metrics.of('EndsByWebhook')).toEqual([1]);
  });

  it('that arrives twice, late or during a tick changes nothing more', async () => {
    const { world, jobId, batchId } = await running();
    world.clock.advance(5 * MINUTE);
    await Promise.all([world.webhook(batchId), world.poll(), world.webhook(batchId)]);
    await world.rest();
    expect(await world.webhook(batchId)).toMatchObject({ status: 200 });
    const ids = world.bus.published().map(({ detail }) => detail.metadata.id);
    expect(new Set(ids).size).toBe(5); // an event may be published twice, with the same id
    expect(new Set(world.batchStatuses())).toEqual(new Set(['validating', 'completed']));
    expect(world.jobStatuses(jobId)).toEqual(['accepted', 'submitted', 'completed']);
  });

  it('is not believed if the API shows no end yet, and each tick then observes the batch', async () => {
    const { world, jobId, batchId } = await running(() => ({
      fate: () => ({ runningMs: 3 * MINUTE }),
      observeIntervalMs: HOUR,
    }));
    await world.pass(1);
    await world.webhook(batchId);
    expect(world.parts(jobId)[0]).toMatchObject({ phase: 'running' });
    expect(world.parts(jobId)[0]?.toldAt).toBe(world.clock.now());
    await world.pass(5);
    expect(world.job(jobId).status).toBe('completed');
    expect(world.parts(jobId)[0]).not.toHaveProperty('toldAt');
  });

  it('of a batch that ended differently publishes what the API says', async () => {
    const { world, batchId } = await running(() => ({
      fate: () => ({ runningMs: 48 * HOUR }),
    }));
    world.clock.advance(48 * HOUR);
    await world.webhook(batchId);
    expect(world.batchStatuses().at(-1)).toBe('expired');
  });

  it('gets 503 when the API or the ledger fails, and the part has no failed step', async () => {
    let isDown = false;
    const { world, jobId, batchId } = await running(() => ({
      replaced: ({ api }) => ({
        api: withMethods(api, {
          retrieveBatch: async (id) => {
            if (isDown) throw new RetryableError('down');
            return api.retrieveBatch(id);
          },
        }),
      }),
    }));
    world.clock.advance(5 * MINUTE);
    isDown = true;
    expect(await world.webhook(batchId)).toMatchObject({ status: 503 });
    expect(world.parts(jobId)[0]).toMatchObject({ phase: 'running', tries: 0 });
    isDown = false;
    expect(await world.webhook(batchId)).toMatchObject({ status: 200 });
    expect(world.batchStatuses().at(-1)).toBe('completed');
  });

  it('gets 200 only after the end is in the ledger', async () => {
    let isDown = false;
    const { world, batchId } = await running(() => ({
      replaced: ({ ledger }) => ({
        ledger: withFaults(ledger, (method) =>
          isDown && method === 'replacePart' ? { failBefore: new RetryableError('throttled') } : 'ok',
        ),
      }),
    }));
    world.clock.advance(5 * MINUTE);
    isDown = true;
    expect(await world.webhook(batchId)).toMatchObject({ status: 503 });
    isDown = false;
    expect(await world.webhook(batchId)).toMatchObject({ status: 200 });
  });
});

describe('a webhook about a batch that no part has', () => {
  it('of another program is counted, and has no other effect', async () => {
    const { world } = await running();
    const { signal } = world.deadline();
    const body = async function* () {
      yield Buffer.from(fileOf('theirs'));
    };
    const bytes = fileOf('theirs').length;
    const { fileId } = await world.api.uploadFile({ name: 'theirs.jsonl', bytes, body: body() }, signal);
    const theirs = {
      inputFileId: fileId,
      endpoint: '/v1/chat/completions',
      completionWindow: '24h',
      metadata: {},
    };
    const { batchId } = await world.api.createBatch(theirs, signal);
    expect(await world.webhook(batchId)).toMatchObject({ status: 200 });
    expect(world.metrics.of('WebhooksForeign')).toEqual([1]);
    expect(await world.ledger.readEarlyEnd(batchId)).toBeUndefined();
  });

  it.each([
    ['another intent', { batchdrop_intent: 'another' }],
    ['another part', { batchdrop_part: '2' }],
    ['another job', { batchdrop_job: 'a'.repeat(26) }],
  ])('but that names a part of ours and %s is not believed', async (_, differences) => {
    const { world, jobId, batchId } = await running();
    const { metadata } = await world.api.retrieveBatch(batchId);
    expect(metadata).toMatchObject({ batchdrop_job: jobId, batchdrop_part: '1' });
    const before = world.ledger.parts();
    const { signal } = world.deadline();
    const request = {
      inputFileId: world.api.audit().uploads[0]?.fileId ?? '',
      endpoint: '/v1/chat/completions',
    };
    const made = { ...request, completionWindow: '24h', metadata: { ...metadata, ...differences } };
    const theirs = await world.api.createBatch(made, signal);
    expect(await world.webhook(theirs.batchId)).toMatchObject({ status: 200, said: OF_ANOTHER_PROGRAM });
    expect(world.ledger.parts()).toEqual(before);
  });

  it('but that names a part of ours without an intent is not believed', async () => {
    const world = new SmallWorld({ webhooks: true });
    const jobId = await world.drop('a.jsonl', fileOf('r1'));
    const metadata = { batchdrop_job: jobId, batchdrop_part: '1' };
    const api = withMethods(world.api, { retrieveBatch: async () => aBatch({ metadata }) });
    expect(await findPart({ ...world.ports, api }, 'batch_1')).toBe('foreign');
    expect(world.parts(jobId)[0]?.phase).toBe('ready');
  });

  it('but that has the intent of a part saves the batch on the part, before the response to its create', async () => {
    let early: Promise<unknown> = Promise.resolve();
    const { world, jobId } = await running((made) => ({
      replaced: ({ api }) => ({
        api: withMethods(api, {
          createBatch: async (request, signal) => {
            const batch = await api.createBatch(request, signal);
            early = made().webhook(batch.batchId);
            await early;
            return batch;
          },
        }),
      }),
    }));
    expect(await early).toMatchObject({ status: 200 });
    expect(world.parts(jobId)[0]).toMatchObject({ phase: 'running' });
    await world.rest();
    expect(world.job(jobId).status).toBe('completed');
    expect(world.api.audit().creates).toHaveLength(1);
    expect(world.batchStatuses()).toEqual(['validating', 'finalizing', 'completed']);
  });

  it('and that the API does not show is noted until SUBMIT has written the pointer', async () => {
    let hides = true;
    const { world, jobId } = await running((made) => ({
      observeIntervalMs: HOUR,
      fate: () => ({ runningMs: 0 }),
      replaced: ({ api }) => ({
        api: withMethods(api, {
          retrieveBatch: async (id) => {
            if (hides) throw new TerminalError('not_found', 'No batch found');
            return api.retrieveBatch(id);
          },
          createBatch: async (request, signal) => {
            const batch = await api.createBatch(request, signal);
            expect(await made().webhook(batch.batchId)).toMatchObject({ status: 200 });
            hides = false;
            return batch;
          },
        }),
      }),
    }));
    expect(world.parts(jobId)[0]?.toldAt ?? world.parts(jobId)[0]?.phase).toBeDefined();
    await world.pass(4);
    expect(world.job(jobId).status).toBe('completed');
  });
});

describe('the note of the last webhook', () => {
  it('is written only for genuine webhooks, and at most once a minute', async () => {
    const { world, batchId } = await running();
    const forged = `whsec_${Buffer.from('not the secret, but as long as it').toString('base64')}`;
    const event = { id: 'evt_1', type: 'batch.completed', data: { id: batchId } };
    expect(await world.webhookRequest(signedRequest(event, { secret: forged }))).toMatchObject({
      status: 401,
    });
    expect(await world.ledger.readLastWebhook()).toBeUndefined();
    const first = world.clock.now();
    await world.webhook(batchId);
    expect(await world.ledger.readLastWebhook()).toBe(first);
    world.clock.advance(MINUTE - 1);
    await world.webhook(batchId);
    expect(await world.ledger.readLastWebhook()).toBe(first);
    world.clock.advance(1);
    await world.webhook(batchId);
    expect(await world.ledger.readLastWebhook()).toBe(first + MINUTE);
  });

  it("is written each time for an unknown batch, as in the API's test event", async () => {
    const { world, batchId } = await running();
    await world.webhook(batchId);
    world.clock.advance(SECOND);
    const answer = await world.webhook('batch_of_a_test_event');
    expect(answer).toMatchObject({ status: 200, said: 'The batch is not known yet: noted.' });
    expect(await world.ledger.readLastWebhook()).toBe(world.clock.now());
  });

  it('does not depend on the API, but the webhook is sent again if the ledger cannot store it', async () => {
    let failing: 'api' | 'ledger' | undefined;
    const { world, batchId } = await running(() => ({
      replaced: ({ api, ledger }) => ({
        api: withMethods(api, {
          retrieveBatch: async (id) => {
            if (failing === 'api') throw new RetryableError('down');
            return api.retrieveBatch(id);
          },
        }),
        ledger: withFaults(ledger, (method) =>
          failing === 'ledger' && method === 'noteWebhook'
            ? { failBefore: new RetryableError('throttled') }
            : 'ok',
        ),
      }),
    }));
    failing = 'ledger';
    expect(await world.webhook(batchId)).toMatchObject({ status: 503 });
    expect(await world.ledger.readLastWebhook()).toBeUndefined();
    failing = 'api';
    expect(await world.webhook(batchId)).toMatchObject({ status: 503 });
    expect(await world.ledger.readLastWebhook()).toBe(world.clock.now());
  });
});

describe('WEBHOOK and SUBMIT', () => {
  it("cannot miss each other's write, so the end is observed whichever comes first", async () => {
    for (const order of ['pointer first', 'note first'] as const) {
      const told: string[] = [];
      const { world, jobId } = await running((made) => ({
        observeIntervalMs: 10 * HOUR,
        replaced: ({ ledger, api }) => ({
          api: withMethods(api, {
            retrieveBatch: async (id) => {
              if (told.length === 0) throw new TerminalError('not_found', 'No batch found');
              return api.retrieveBatch(id);
            },
          }),
          ledger: {
            ...ledger,
            async putBatchPointer(batchId, ref) {
              if (order === 'pointer first') await ledger.putBatchPointer(batchId, ref);
              await made().webhook(batchId);
              told.push(batchId);
              if (order === 'note first') await ledger.putBatchPointer(batchId, ref);
            },
          },
        }),
      }));
      await world.pass(6);
      expect(world.job(jobId).status, order).toBe('completed');
    }
  });
});
