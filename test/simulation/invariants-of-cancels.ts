import { DETAIL_TYPE } from '../../functions/shared/contract/events.ts';
import type { Part } from '../../functions/shared/core/part.ts';
import type { Finding } from './invariants.ts';
import { MINUTE } from './invocation.ts';
import { nameOf } from './ledger-watch.ts';
import type { Users } from './users.ts';
import type { World } from './world.ts';

const PATIENCE_MS = 30 * MINUTE; // a message that failed comes back after six minutes, and ticks may be far apart

/** Cancels: recorded before the intent, nothing is created; later, the batch is cancelled once its id is known. */
export function cancelsHonoured(world: World, users: Users): Finding[] {
  return [
    nothingSentAfterWish(world),
    batchesCancelled(world),
    partsWished(world),
    keysCancelled(world, users),
  ];
}

function nothingSentAfterWish({ written }: World): Finding {
  const broken = written.sends
    .filter(({ wished }) => wished)
    .map(({ intentId }) => `intent ${intentId} was sent after the cancel`);
  return { promise: 'no create after a recorded cancel', examined: written.sends.length, broken };
}

/** Told to the API, unless the batch ended by itself before it could be. */
function batchesCancelled(world: World): Finding {
  const told = new Set(world.api.audit().cancels.map(({ batchId }) => batchId));
  const wished = world.ledger
    .parts()
    .filter(({ cancelRequestedAt, batch }) => cancelRequestedAt !== undefined && batch);
  const broken = wished.flatMap((part) => {
    const { batch } = part;
    if (!batch || told.has(batch.batchId) || world.faultyApi.tooLate.has(batch.batchId)) return [];
    const known = Math.max(
      world.written.savedAt.get(batch.batchId) ?? 0,
      world.written.wishes.get(nameOf(part)) ?? 0,
    );
    if (endedBy(part, Math.max(known, world.repairedAt) + PATIENCE_MS)) return [];
    return [`batch ${batch.batchId} was to be cancelled, and the API was never told`];
  });
  return { promise: 'a batch is cancelled once its id is known', examined: wished.length, broken };
}

function endedBy({ batch, delivered, ended }: Part, time: number): boolean {
  if (ended || (delivered && !batch)) return true;
  return batch !== undefined && (batch.status === 'failed' || (batch.endedAt ?? Infinity) <= time);
}

/** Once the cancel of a job is acknowledged, each of its open parts knows. */
function partsWished({ wishesChecked, unwished }: World): Finding {
  const broken = unwished.map((part) => `${part}, does not know of it`);
  return { promise: 'the wish of a job is on its open parts', examined: wishesChecked, broken };
}

/**
 * By key it means the newest version whose file was there when the message was sent; S3 keeps whole seconds. Of several
 * cancels of one key only the newest is remembered for files whose event has yet to come.
 */
function keysCancelled(world: World, users: Users): Finding {
  const broken: string[] = [];
  let examined = 0;
  for (const { key, sentAt } of new Map(users.keyCancels.map((cancel) => [cancel.key, cancel])).values()) {
    const meant = users.puts.findLast((put) => put.key === key && put.lastModified <= sentAt);
    const job = meant && world.ledger.jobs().find(({ jobId }) => jobId === meant.jobId);
    if (!job) continue;
    examined += 1;
    const unread = !job.plan && job.status === 'failed'; // it never came to look for cancels, and sent nothing
    if (job.cancelRequestedAt !== undefined || job.status === 'rejected' || job.status === 'joined' || unread)
      continue;
    const processed = world.bus
      .published()
      .some(
        ({ detailType, detail }) =>
          detailType === DETAIL_TYPE.cancelOutcome &&
          Date.parse(detail.metadata.occurredAt) === sentAt &&
          detail.data.outcome === 'too_late',
      );
    if (!processed)
      broken.push(
        `job ${job.jobId}: cancelled by key at ${new Date(sentAt).toISOString()}, and does not know`,
      );
  }
  return { promise: 'a cancel by key reaches the version it means', examined, broken };
}
