/**
 * Decides before a create whether the part needs another file than the one it has uploaded:
 *   - yes, if fewer rows were admitted than the file has
 *   - yes, if the API has lost the file. A file that was just uploaded may not be visible yet, so the create waits.
 *     After an hour, the API is asked for the file itself. If the file exists, the create continues to wait. If it is
 *     gone, it is uploaded again, up to three times; then the part stalls
 */
import { TerminalError } from '../shared/domain/errors.ts';
import type { Part, PartIn } from '../shared/domain/part.ts';
import { withoutFileOf } from '../shared/domain/spending/replaced-intents.ts';
import { fitsAdmission } from '../shared/domain/waiting/admitted-part.ts';
import { without } from '../shared/domain/without.ts';
import type { LeasedPart } from '../shared/lifecycle/lease.ts';
import { isOurAccount } from '../shared/lifecycle/openai-account.ts';
import type { SubmissionDeps } from './submission.ts';

const ASK_AFTER_MS = 3_600_000;
const MAX_LOST_UPLOADS = 3;

/** Makes the part begin with another file if it needs one. Returns whether it does. Errors: those of the ports. */
export async function isSentAnew(deps: SubmissionDeps, leased: LeasedPart): Promise<boolean> {
  const { item: part } = leased;
  if (part.phase !== 'uploaded') return false;
  const { jobId, number, intent, admission } = part;
  const isTooLarge = admission !== undefined && !fitsAdmission(part, admission);
  const isLost = !isTooLarge && (await isUploadLost(deps, part));
  if (!isTooLarge && !isLost) return false;
  if (isLost) deps.log.warn('upload_lost', { jobId, part: number, fileId: intent.fileId });
  return leased.change((known) => {
    if (known.phase !== 'uploaded' || known.intent.id !== intent.id) return undefined;
    return isLost ? afterLostUpload(known) : withoutFile(known);
  });
}

async function isUploadLost(deps: SubmissionDeps, part: PartIn<'uploaded'>): Promise<boolean> {
  const { obstacle, intent } = part;
  if (obstacle?.for !== 'not_visible' || deps.clock.now() - obstacle.since < ASK_AFTER_MS) return false;
  return (await isGone(deps, intent.fileId)) && (await isOurAccount(deps, intent.account));
}

async function isGone({ api }: Pick<SubmissionDeps, 'api'>, fileId: string): Promise<boolean> {
  return api.fileBytes(fileId).then(
    () => false,
    (failure: unknown) => {
      if (failure instanceof TerminalError && failure.code === 'file_gone') return true;
      throw failure;
    },
  );
}

function afterLostUpload(part: PartIn<'uploaded'>): Part {
  const lostUploads = (part.lostUploads ?? 0) + 1;
  const next = { ...withoutFile(part), lostUploads };
  if (lostUploads <= MAX_LOST_UPLOADS) return next;
  const message = `the API lost the uploaded file ${lostUploads} times; Batchdrop uploads it again only after you release the job`;
  const stalled = { code: 'upload_lost', message };
  return { ...without(next, 'admission', 'lostUploads'), phase: 'stalled', stalled };
}

function withoutFile(part: PartIn<'uploaded'>): PartIn<'ready'> {
  const rest = without(part, 'intent', 'obstacle', 'backoffUntil', 'slice');
  return { ...rest, ...withoutFileOf(part, part.intent), phase: 'ready' };
}
