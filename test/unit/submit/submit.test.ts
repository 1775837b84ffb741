import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import {
  Ambiguous,
  NotAllowed,
  RetryableError,
  TerminalError,
} from '../../../functions/shared/domain/errors.ts';
import type { Part } from '../../../functions/shared/domain/part.ts';
import { SETTLING_MS } from '../../../functions/shared/domain/timing.ts';
import { partInHand } from '../../../functions/shared/lifecycle/compare-and-set.ts';
import { saveBatch } from '../../../functions/shared/lifecycle/save-batch.ts';
import type { Ports } from '../../../functions/shared/ports/ports.ts';
import { aBatch, aPart } from '../../contracts/samples.ts';
import { type Fault, withFaults } from '../../fakes/faulty.ts';
import { fileOf, HOUR, MINUTE, row, SmallWorld, withMethods } from '../small-world.ts';

const TOKEN_LIMIT = { code: 'token_limit_exceeded', message: 'Too many.', param: null, line: null };

/** Returns a world whose first creates have these faults. */
function creating(faults: Fault[], settings: ConstructorParameters<typeof SmallWorld>[0] = {}): SmallWorld {
  return new SmallWorld({
    ...settings,
    replaced: ({ api }) => ({
      api: withFaults(api, (method) => (method === 'createBatch' ? (faults.shift() ?? 'ok') : 'ok')),
    }),
  });
}

async function submitted(world: SmallWorld): Promise<string> {
  const jobId = await world.drop('a.jsonl', fileOf('r1', 'r2'));
  await world.work();
  return jobId;
}

describe('a part', () => {
  it('is uploaded as planned, byte for byte, and its checksum is recorded', async () => {
    let body = '';
    const world = new SmallWorld({
      replaced: ({ api }) => ({
        api: withMethods(api, {
          async uploadFile(upload, signal) {
            const pieces: Uint8Array[] = [];
            for await (const piece of upload.body) pieces.push(piece);
            body = Buffer.concat(pieces).toString();
            const again = (async function* () {
              yield Buffer.from(body);
            })();
            return api.uploadFile({ ...upload, body: again }, signal);
          },
        }),
      }),
    });
    const jobId = await world.drop('a.jsonl', `\uFEFF${row('r1')}\r\n\n${row('ü')}`);
    await world.work();
    expect(body).toBe(fileOf('r1', 'ü'));
    expect(world.parts(jobId)[0]).toMatchObject({
      uploadBytes: Buffer.byteLength(body),
      intent: { crc32: crc32(body).toString(16).padStart(8, '0') },
    });
  });

  it('gets one batch when its message arrives three times', async () => {
    const world = new SmallWorld();
    await world.drop('a.jsonl', fileOf('r1'));
    const [message] = world.queues.take('submit');
    for (let time = 0; time < 3; time += 1) await world.submit(JSON.stringify(message));
    await world.rest();
    expect(world.api.audit().creates).toHaveLength(1);
  });

  it('gets no batch with less than a minute left before the deadline of the invocation', async () => {
    const world = new SmallWorld();
    await world.drop('a.jsonl', fileOf('r1'));
    const [message] = world.queues.take('submit');
    await world.submit(JSON.stringify(message), world.deadline(MINUTE - 1));
    expect(world.api.audit()).toMatchObject({ creates: [], uploads: [{}] });
    expect(world.ledger.parts()[0]?.tries).toBe(0);
    await world.rest();
    expect(world.api.audit()).toMatchObject({ creates: [{}], uploads: [{}] });
  });

  it('is not touched while another invocation has its lease', async () => {
    const world = new SmallWorld();
    const jobId = await world.drop('a.jsonl', fileOf('r1'));
    const [part] = world.parts(jobId);
    if (!part) throw new Error('no part');
    const until = world.clock.now() + 5 * MINUTE;
    await world.ledger.replacePart({ ...part, lease: { holder: 'another', until } });
    await world.work();
    expect(world.api.audit().uploads).toEqual([]);
    world.clock.advance(5 * MINUTE);
    await world.rest();
    expect(world.jobStatuses(jobId).at(-1)).toBe('completed');
  });

  it.each([
    ['answers 429', new RetryableError('HTTP 429', { afterSeconds: 60 })],
    ['refuses the key', new NotAllowed('HTTP 401')],
  ])('gets its batch later, with the same file, when the API %s', async (_, failure) => {
    const world = creating([{ failBefore: failure }]);
    const jobId = await submitted(world);
    expect(world.parts(jobId)[0]).toMatchObject({ phase: 'creating', intent: { refused: true } });
    await world.rest();
    expect(world.api.audit()).toMatchObject({ uploads: [{}], creates: [{}] });
    expect(world.jobStatuses(jobId).at(-1)).toBe('completed');
  });

  it('ends as failed when the API refuses the create', async () => {
    const world = creating([{ failBefore: new TerminalError('billing_hard_limit_reached', 'No money.') }]);
    const jobId = await submitted(world);
    await world.rest();
    expect(world.job(jobId)).toMatchObject({
      status: 'failed',
      reason: { code: 'billing_hard_limit_reached' },
    });
    expect(world.job(jobId).rows).toMatchObject({ total: 2, failed: 2 });
    expect(world.api.files()).toEqual([]);
  });

  it('rejected for the token limit runs later, on the same file, and every attempt is published', async () => {
    const world = new SmallWorld({
      fate: ({ nth }) => (nth < 3 ? { failure: [TOKEN_LIMIT] } : { finalizingMs: 0 }),
    });
    const jobId = await submitted(world);
    await world.rest();
    expect(world.batchStatuses()).toEqual([
      'validating',
      'failed',
      'validating',
      'failed',
      'validating',
      'in_progress',
      'completed',
    ]);
    const failures = world.bus.published().filter(({ detail }) => 'willRetry' in detail.data);
    expect(failures.map(({ detail }) => 'willRetry' in detail.data && detail.data.willRetry)).toEqual([
      true,
      true,
    ]);
    expect(world.api.audit()).toMatchObject({ uploads: [{}], creates: [{}, {}, {}] });
    expect(world.parts(jobId)[0]).toMatchObject({
      attempt: 3,
      earlierBatchIds: ['batch_000001', 'batch_000002'],
    });
    expect(world.job(jobId).status).toBe('completed');
  });
});

describe('a create without a response', () => {
  it('that took effect is found and adopted: there is one batch', async () => {
    const world = creating([{ failAfter: new Ambiguous('time-out') }]);
    const jobId = await submitted(world);
    await world.rest();
    expect(world.api.audit().creates).toHaveLength(1);
    expect(world.jobStatuses(jobId)).toEqual(['accepted', 'submitted', 'completed']);
    expect(world.log.lines.map(({ code }) => code)).toContain('batch_adopted');
  });

  it('that failed with an unexpected error is also searched for', async () => {
    const world = creating([{ failAfter: new TypeError('defect') }]);
    await world.drop('a.jsonl', fileOf('r1', 'r2'));
    await world.work();
    await world.rest();
    expect(world.api.audit().creates).toHaveLength(1);
  });

  it('that appears in the list only minutes later is also adopted', async () => {
    const world = creating([{ failAfter: new Ambiguous('time-out') }], { listLagMs: 7 * MINUTE });
    const jobId = await submitted(world);
    await world.rest();
    expect(world.api.audit().creates).toHaveLength(1);
    expect(world.jobStatuses(jobId).at(-1)).toBe('completed');
  });

  it('that had no effect is abandoned after the settling time, its file is deleted, and the part is submitted again', async () => {
    const world = creating([{ failBefore: new Ambiguous('time-out') }]);
    const began = world.clock.now();
    const jobId = await submitted(world);
    await world.rest();
    const { uploads, creates, deletes } = world.api.audit();
    expect(uploads).toHaveLength(2);
    expect(creates).toHaveLength(1);
    expect(creates[0]?.at).toBeGreaterThanOrEqual(began + SETTLING_MS);
    expect(deletes[0]?.fileId).toBe(uploads[0]?.fileId);
    expect(creates[0]?.inputFileId).toBe(uploads[1]?.fileId);
    expect(world.parts(jobId)[0]).toMatchObject({
      attempt: 2,
      abandoned: [{ fileId: uploads[0]?.fileId }],
    });
    expect(world.jobStatuses(jobId)).toEqual(['accepted', 'submitted', 'completed']);
  });

  it('that takes effect after it was abandoned is cancelled and reported as a second batch', async () => {
    const world = new SmallWorld({
      fate: ({ nth }) => ({ runningMs: nth === 1 ? 10 * HOUR : HOUR }),
      replaced: ({ api }) => ({
        api: withMethods(api, {
          async createBatch(request, signal) {
            const batch = await api.createBatch(request, signal);
            if (batch.batchId.endsWith('1')) throw new Ambiguous('time-out');
            return batch;
          },
          // The list is empty and a delete has no effect until the second batch exists.
          async listBatches(query) {
            const page = await api.listBatches(query);
            return page.batches.length < 2 ? { ...page, batches: [] } : page;
          },
          deleteFile: async () => ({ was: 'deleted', account: 'org-simulated' }),
        }),
      }),
    });
    const jobId = await submitted(world);
    await world.rest();
    const [first, second] = world.api.audit().creates;
    expect(world.parts(jobId)[0]).toMatchObject({
      secondBatchIds: [first?.batchId],
      batch: { batchId: second?.batchId },
    });
    expect(world.api.audit().cancels.map(({ batchId }) => batchId)).toEqual([first?.batchId]);
    expect(world.log.lines.map(({ code }) => code)).toContain('second_batch');
  });

  it('is never retried with the key of another account', async () => {
    let account = 'org-one';
    const world = creating([{ failBefore: new Ambiguous('time-out') }], { account: () => account });
    const jobId = await submitted(world);
    account = 'org-two';
    await world.pass(24 * 60);
    expect(world.api.audit()).toMatchObject({ creates: [], uploads: [{}] });
    expect(world.parts(jobId)[0]?.stalled).toBeDefined();
    account = 'org-one';
    await world.rest();
    expect(world.jobStatuses(jobId).at(-1)).toBe('completed');
  });

  it('that is cancelled meanwhile is cancelled at the API when its batch is found', async () => {
    const world = creating([{ failAfter: new Ambiguous('time-out') }], {
      fate: () => ({ runningMs: HOUR }),
      listLagMs: 5 * MINUTE,
    });
    const jobId = await submitted(world);
    await world.cancel({ jobId });
    expect(world.api.audit().cancels).toEqual([]);
    await world.rest();
    expect(world.api.audit().cancels).toHaveLength(1);
    expect(world.jobStatuses(jobId).at(-1)).toBe('cancelled');
  });
});

describe('saving a batch', () => {
  const save = (deps: Ports, part: Part) =>
    saveBatch(deps, partInHand(deps, part), {
      intentId: 'mine',
      batch: aBatch(),
      released: (known) => known,
    });

  const ready = async (differences: Parameters<typeof aPart>[0]) => {
    const world = new SmallWorld();
    const expiresAt = Number.MAX_SAFE_INTEGER;
    const part = aPart({
      expiresAt,
      intent: { id: 'mine', at: 0, fileId: 'file-1', sendBy: 0 },
      ...differences,
    });
    await world.ledger.createPart(part);
    return { world, part };
  };

  it('records it under its intent, and writes a pointer from the batch to its part', async () => {
    const { world, part } = await ready({});
    await save(world.ports, part);
    await save(world.ports, part);
    expect(world.ledger.parts()[0]).toMatchObject({ batch: { batchId: 'batch_1' }, rev: 1, publishedRev: 0 });
    expect(await world.ledger.readBatchPointer('batch_1')).toMatchObject({ number: 1 });
  });

  it.each([
    ['whose intent was replaced', { intent: { id: 'another', at: 0 } }],
    ['of a part that already has a batch', { batch: aBatch({ batchId: 'batch_0' }), rev: 1 }],
  ])('%s cancels the batch at once and reports it', async (_, differences) => {
    const { world, part } = await ready(differences);
    const asked: unknown[] = [];
    const api = withFaults(world.api, (method, [batchId]) => {
      if (method === 'cancelBatch') asked.push(batchId);
      return 'ok';
    });
    await save({ ...world.ports, api }, part);
    expect(asked).toEqual(['batch_1']);
    expect(world.ledger.parts()[0]?.secondBatchIds).toEqual(['batch_1']);
    expect(world.log.lines.map(({ code }) => code)).toEqual(['second_batch']);
  });

  it.each([
    ['in its item', { earlierBatchIds: ['batch_1'] }],
    ['on a page', { pastPages: 1 }],
  ])(
    'that an earlier attempt of the part found meanwhile changes nothing: the part knows it %s',
    async (_, differences) => {
      const { world, part } = await ready({ intent: { id: 'another', at: 0 }, ...differences });
      const { jobId, planId, number } = part;
      const past = { ran: [], secondBatchIds: [], doubtfulFiles: [], unusedFiles: [] };
      await world.ledger.createPast({
        ...{ jobId, planId, number, page: 1, version: 1 },
        ...past,
        earlierBatchIds: ['batch_1'],
      });
      await save(world.ports, part);
      expect(world.ledger.parts()).toEqual([part]);
      expect(world.log.lines).toEqual([]);
      expect(world.metrics.of('SecondBatches')).toEqual([]);
    },
  );
});

describe('a message', () => {
  it.each([
    ['submit', 'hello'],
    ['submit', '{"jobId":"k5mhx3q2vwn7tjzr4ydaf6bcgs"}'],
    ['deliver', '{"ref":{}}'],
  ] as const)('to %s that cannot be parsed is refused: %s', async (to, body) => {
    const world = new SmallWorld();
    await expect(world[to](body)).rejects.toMatchObject({ code: 'unreadable_message' });
  });

  it.each(['submit', 'deliver'] as const)(
    'to %s for a part that no longer exists is acknowledged',
    async (to) => {
      const world = new SmallWorld();
      const ref = { jobId: 'k5mhx3q2vwn7tjzr4ydaf6bcgs', planId: 'c2zq7fwl5vh3xktm6ndybr4jpa', number: 1 };
      await world[to](JSON.stringify({ ref }));
      expect(world.log.lines).toEqual([]);
    },
  );
});
