import { hasEnded } from '../../../functions/shared/contract/batch-status.ts';
import { DETAIL_TYPE } from '../../../functions/shared/contract/events.ts';
import type { World } from '../world/world.ts';
import type { Finding } from './finding.ts';

const RUNNING = 1;
const PLACES: ReadonlyMap<string, number> = new Map([
  ['validating', 0],
  ['in_progress', RUNNING],
  ['finalizing', 2],
  ['cancelling', 3],
  // Statuses of jobs:
  ['unapproved', -1],
  ['accepted', 0],
  ['submitted', 1],
]);

/** Promise 2: every status that was ever in the ledger was published with its own sequence. */
export function published(world: World): Finding {
  const events = new Set<string>();
  for (const { detailType, detail } of world.bus.published()) {
    if (detailType !== DETAIL_TYPE.batchStatusChange && detailType !== DETAIL_TYPE.jobStatusChange) continue;
    const { metadata, data } = detail;
    events.add(`${'batchId' in data ? data.batchId : metadata.jobId} ${metadata.sequence} ${data.status}`);
  }
  const { statuses, jobStatuses } = world.written;
  const written = [
    ...statuses.map(({ batchId, rev, status }) => `${batchId} ${rev} ${status}`),
    ...jobStatuses.map(({ jobId, rev, status }) => `${jobId} ${rev} ${status}`),
  ];
  const broken = written.filter((name) => !events.has(name)).map((name) => `not published: ${name}`);
  for (const item of [...world.ledger.jobs(), ...world.ledger.wholeParts()]) {
    const live = item.kind === 'job' || item.phase !== 'planned';
    if (live && item.rev !== item.publishedRev)
      broken.push(`${item.kind} ${item.jobId}: rev ${item.rev}, published ${item.publishedRev}`);
  }
  return { promise: 'every observed status published', examined: written.length, broken };
}

/** Promise 3: an event is stored with its status, and no later write changes it before it is published. */
export function storedEventsStay({ written }: World): Finding {
  const { beforePublication: examined, changedEvents } = written;
  const broken = changedEvents.map((id) => `${id} changed before it was published`);
  return { promise: 'a stored event stays the same', examined, broken };
}

/** Promise 2: an end is published only when the API shows it, whoever reported it. */
export function trueEnds({ endsChecked, untrueEnds }: World): Finding {
  return { promise: 'a published end is what the API shows', examined: endsChecked, broken: untrueEnds };
}

/** Promise 3: sequences have no gaps, an id always identifies the same event, and statuses only go forward. */
export function forward(world: World): Finding {
  const broken: string[] = [];
  const seen = new Map<string, { last: number; status: string; byId: Map<string, string> }>();
  let examined = 0;
  for (const { detailType, detail } of world.bus.published()) {
    if (detailType !== DETAIL_TYPE.batchStatusChange && detailType !== DETAIL_TYPE.jobStatusChange) continue;
    examined += 1;
    const { metadata, data } = detail;
    const of = 'batchId' in data ? data.batchId : `${metadata.jobId}`;
    const known = seen.get(of) ?? { last: 0, status: '', byId: new Map<string, string>() };
    seen.set(of, known);
    const text = JSON.stringify(detail);
    const before = known.byId.get(metadata.id);
    if (before !== undefined && before !== text)
      broken.push(`${metadata.id} was published with two contents`);
    known.byId.set(metadata.id, text);
    if (metadata.sequence <= known.last) continue;
    if (metadata.sequence !== known.last + 1)
      broken.push(`${of}: sequence ${metadata.sequence} after ${known.last}`);
    if (goesBack(known.status, data.status)) broken.push(`${of}: ${data.status} after ${known.status}`);
    known.last = metadata.sequence;
    known.status = data.status;
  }
  return { promise: 'sequences without a gap, statuses forward', examined, broken };
}

function goesBack(before: string, status: string): boolean {
  if (hasEnded(before)) return true;
  return !hasEnded(status) && before !== '' && positionOf(status) <= positionOf(before);
}

/** An unknown status counts as `in_progress`, the only status that `batch-behaviors.ts` replaces with it. */
function positionOf(status: string): number {
  return PLACES.get(status) ?? RUNNING;
}
