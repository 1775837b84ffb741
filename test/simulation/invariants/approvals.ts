import { MINUTE } from '../world/invocation.ts';
import type { Workload } from '../world/workload.ts';
import type { World } from '../world/world.ts';
import type { Finding } from './finding.ts';

const SKEW_MS = MINUTE; // clocks of functions differ by seconds

/** A job that is held sends nothing without an approval, and an approval or the lack of one has its effect. */
export function holdsKept(world: World, users: Workload): Finding[] {
  return [nothingSentUnapproved(world, users), approvalsHeard(world), endedInTime(world, users)];
}

function nothingSentUnapproved({ approver, written }: World, users: Workload): Finding {
  const held = heldUploads(users);
  const broken = held.flatMap(({ jobId }) => {
    const begunAt = written.begunAt.get(jobId);
    if (begunAt === undefined) return [];
    const approvedAt = approver.approvedAt.get(jobId);
    if (approvedAt === undefined) return [`job ${jobId} is held, and was sent without an approval`];
    return begunAt < approvedAt ? [`job ${jobId} is held, and was sent before its approval`] : [];
  });
  return { promise: 'nothing is sent without an approval', examined: held.length, broken };
}

/** An approval that was acknowledged in time is on its job. */
function approvalsHeard({ approver: { checked, unheard } }: World): Finding {
  const broken = unheard.map((what) => `${what} does not have an approval that was acknowledged`);
  return { promise: 'an approval reaches its job', examined: checked, broken };
}

/** A job ends for want of an approval only if it was held, nobody approved it by then, and its time was over. */
function endedInTime({ approver, ledger }: World, users: Workload): Finding {
  const held = new Set(heldUploads(users).map(({ jobId }) => jobId));
  const ended = ledger.jobs().filter(({ reason }) => reason?.code === 'approval_expired');
  const broken = ended.flatMap(({ jobId, approvedAt, changedAt, createdAt, status }) => {
    const lasted = changedAt - createdAt + SKEW_MS;
    const isRight = held.has(jobId) && status === 'cancelled' && lasted >= approver.policy.expiresAfterMs;
    return isRight && approvedAt === undefined ? [] : [`job ${jobId} ended for want of an approval`];
  });
  return { promise: 'a job ends unapproved only after its time', examined: ended.length, broken };
}

function heldUploads(users: Workload) {
  return users.uploads.filter(({ isHeld }) => isHeld);
}
