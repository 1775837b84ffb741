/**
 * A file that was just uploaded may not be visible yet (U6 of the reliability page): the create waits for it. After an
 * hour the API is asked for the file itself. If it is there, the create waits on. If it is gone, it is uploaded anew, a
 * few times.
 */
import { TerminalError } from '../shared/domain/errors.ts';
import { withFileOf } from '../shared/domain/waiting/admitted-part.ts';
import { without } from '../shared/domain/without.ts';
import type { LeasedPart } from '../shared/lifecycle/lease.ts';
import { isOurAccount } from '../shared/lifecycle/openai-account.ts';
import type { SubmissionDeps } from './submit-part.ts';

const ASK_AFTER_MS = 3_600_000;
const MAX_LOST_UPLOADS = 3;

/** Makes the part upload its file anew if the API has lost it; returns whether it did. Errors: those of the ports. */
export async function isUploadLost(deps: SubmissionDeps, leased: LeasedPart): Promise<boolean> {
  const { item: part } = leased;
  if (part.phase !== 'uploaded' || part.obstacle?.for !== 'not_visible') return false;
  const { fileId, account } = part.intent;
  const { lostUploads = 0 } = part;
  if (deps.clock.now() - part.obstacle.since < ASK_AFTER_MS || lostUploads >= MAX_LOST_UPLOADS) return false;
  if (!(await isGone(deps, fileId)) || !(await isOurAccount(deps, account))) return false;
  deps.log.warn('upload_lost', {
    jobId: part.jobId,
    part: part.number,
    fileId,
    lostUploads: lostUploads + 1,
  });
  return leased.change((known) => {
    if (known.phase !== 'uploaded' || known.intent.fileId !== fileId) return undefined;
    const rest = without(known, 'intent', 'obstacle', 'backoffUntil', 'slice');
    return {
      ...rest,
      phase: 'ready',
      unusedFiles: withFileOf(known, known.intent),
      lostUploads: lostUploads + 1,
    };
  });
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
