import type { OpenBatch } from '../../../functions/shared/domain/open-batch.ts';
import { createInMemoryBatchApi } from '../../fakes/in-memory-batch-api.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';
import { seededRandom } from '../../fakes/seeded-random.ts';
import { fileOf } from '../small-world.ts';

const NEVER = new AbortController().signal;
const HOLDER = 'org-simulated';

/**
 * Returns an account with this many batches, created two seconds apart on average. `isOurs` selects those that are ours
 * and open.
 */
export async function account(batches: number, isOurs: (age: number) => boolean, seed = 1) {
  const clock = new ManualClock();
  const random = seededRandom(seed);
  const api = createInMemoryBatchApi({ clock, seed, fate: () => ({ validatingMs: 20 * 3_600_000 }) });
  const body = Buffer.from(fileOf('r1'));
  const pieces = (async function* () {
    yield body;
  })();
  const { fileId } = await api.uploadFile({ name: 'a.jsonl', bytes: body.length, body: pieces }, NEVER);
  const open: OpenBatch[] = [];
  for (let age = batches - 1; age >= 0; age -= 1) {
    clock.advance(Math.floor(random() * 4_000));
    const request = { inputFileId: fileId, endpoint: '/v1/responses', completionWindow: '24h', metadata: {} };
    const { batchId, createdAt, status } = await api.createBatch(request, NEVER);
    if (isOurs(age))
      open.push({ batchId, createdAt, status, account: HOLDER, model: 'm', uploadBytes: 9, jobCreatedAt: 0 });
  }
  return { clock, api, open };
}
