import { inTransaction } from '../../sqlite.ts';
import { ApiError, invalid } from '../api-error.ts';
import { nextNumber } from '../database.ts';
import { ownId } from '../faults/odd-answers.ts';
import { fileNotVisible } from '../faults/refusals.ts';
import { seededHex } from '../faults/seeded-random.ts';
import type { Profile } from '../profiles/profile.ts';
import { type Call, limitOf, page, type Route, readJsonBody, refuseOverRate } from '../router.ts';
import type { ServerState } from '../state.ts';
import type { Webhooks } from '../webhooks/webhooks.ts';
import { type BatchRecord, batchOnTheWire, endsAtOnce } from './batch-record.ts';
import { parseBatchRequest } from './batch-request.ts';
import type { Lifecycle } from './lifecycle.ts';

const MAX_LISTED = 100;
const USUALLY_LISTED = 20;
const HOUR = 3_600_000;
const COMPLETION_WINDOW_MS = 24 * HOUR;
const NEVER_MS = 365 * 24 * HOUR;

/** The API's operations on batches. */
export function batchRoutes(state: ServerState, lifecycle: Lifecycle, webhooks: Webhooks): Route[] {
  const show = (batch: BatchRecord) => batchOnTheWire(batch, lifecycle.countsNow(batch));
  return [
    {
      operation: 'batches.create',
      method: 'POST',
      path: /^\/v1\/batches$/,
      handle: async (call) => {
        const batch = await createBatch(state, { lifecycle, webhooks }, call);
        await webhooks.told(batch.id);
        return show(batch);
      },
    },
    {
      operation: 'batches.list',
      method: 'GET',
      path: /^\/v1\/batches$/,
      handle: (call) => listBatches(state, call, show),
    },
    {
      operation: 'batches.retrieve',
      method: 'GET',
      path: /^\/v1\/batches\/([^/]+)$/,
      handle: (call) => show(found(state, call)),
    },
    {
      operation: 'batches.cancel',
      method: 'POST',
      path: /^\/v1\/batches\/([^/]+)\/cancel$/,
      handle: (call) => show(lifecycle.cancel(found(state, call).id)),
    },
  ];
}

function existing(state: ServerState, id: string): BatchRecord {
  const batch = state.batches.find(ownId(id));
  if (batch === undefined) throw noBatch(id);
  return batch;
}

/** Returns the batch of a request. A fault hides young ones. */
function found(state: ServerState, { id, disturbance }: Call): BatchRecord {
  const batch = existing(state, id);
  if (state.clock.now() - batch.createdMs < disturbance.notFoundMs) throw noBatch(id);
  return batch;
}

function noBatch(id: string): ApiError {
  return new ApiError(404, `No batch found with id '${id}'.`);
}

async function createBatch(
  state: ServerState,
  { lifecycle, webhooks }: { lifecycle: Lifecycle; webhooks: Webhooks },
  call: Call,
): Promise<BatchRecord> {
  const { batches, files, audit, clock, database, limits } = state;
  const request = parseBatchRequest(await readJsonBody(call.request), state.profile);
  await call.disturbance.read();
  const now = clock.now();
  const file = files.find(request.inputFileId, now);
  if (file === undefined) throw invalid('input_file_id', `No such File object: ${request.inputFileId}`);
  if (file.purpose !== 'batch') {
    throw invalid('input_file_id', "Invalid 'input_file_id': the file must have the purpose 'batch'.");
  }
  const invisibleMs = Math.max(call.disturbance.invisibleMs, state.profile.pendingMs);
  if (now - file.createdMs < invisibleMs) throw fileNotVisible(request.inputFileId);
  refuseOverRate('batches', batches.createdOf(limits.batchesPerHour), HOUR, now);
  const add = (): BatchRecord => {
    const id = `batch_${seededHex(`${state.seed}/batch/${nextNumber(database, 'batch')}`, 32)}`;
    const created = { ...newBatch(id, now, state.profile), ...request, ...behaviorOf(call) };
    const dueMs = now + lifecycle.duration('validating', created);
    const expiresMs =
      created.behavior === 'expire' ? dueMs + lifecycle.duration('inProgress', created) : created.expiresMs;
    const batch = { ...created, dueMs, expiresMs };
    batches.insert(batch);
    const { inputFileId, endpoint, metadata } = request;
    audit.record(now, { event: 'batch.created', batchId: id, inputFileId, endpoint, metadata });
    return batch;
  };
  const created = inTransaction(database, () => (call.disturbance.twice ? [add(), add()] : [add()]));
  audit.flush();
  for (const batch of created) {
    if (endsAtOnce(batch)) webhooks.expectEnd(batch.id);
    lifecycle.arm(batch);
  }
  const [first] = created;
  if (first === undefined) throw new Error('a request creates at least one batch');
  return first;
}

function behaviorOf({
  disturbance: { behavior, failingRows, oddRows, webhookFaults },
}: Call): Pick<BatchRecord, 'behavior' | 'failingRows' | 'oddRows' | 'webhookFaults'> {
  return { behavior, failingRows, oddRows, webhookFaults };
}

function newBatch(
  id: string,
  now: number,
  profile: Profile,
): Omit<BatchRecord, keyof ReturnType<typeof parseBatchRequest> | keyof ReturnType<typeof behaviorOf>> {
  return {
    id,
    createdMs: now,
    expiresMs: now + (profile.expires ? COMPLETION_WINDOW_MS : NEVER_MS),
    status: 'validating',
    dueMs: null,
    model: null,
    rows: 0,
    workMs: 0,
    ranRows: null,
    counts: { total: 0, completed: 0, failed: 0 },
    enqueuedTokens: 0,
    problems: null,
    usage: null,
    outputFileId: null,
    errorFileId: null,
    inProgressMs: null,
    finalizingMs: null,
    completedMs: null,
    failedMs: null,
    expiredMs: null,
    cancellingMs: null,
    cancelledMs: null,
  };
}

function listBatches(
  state: ServerState,
  { query, disturbance }: Call,
  show: (batch: BatchRecord) => object,
): object {
  const limit = limitOf(query, MAX_LISTED, USUALLY_LISTED);
  const asked = disturbance.samePage ? null : query.get('after');
  const after = asked === null ? null : existing(state, asked).id;
  const batches = state.batches.newestFirst(limit + 1, after, state.clock.now() - disturbance.lagMs);
  return page(batches, limit, batches.map(show));
}
