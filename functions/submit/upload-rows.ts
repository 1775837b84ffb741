/**
 * Uploads the rows of a part in one pass, under a stored claim of the lease. The part's next change stores the file's
 * id and checksum.
 *
 * Known gap: if the invocation crashes before that change, the file remains at the API until it expires.
 */
import { crc32 } from 'node:zlib';
import { TerminalError } from '../shared/domain/errors.ts';
import { attemptSize, type Part, type PartIn, type Slice } from '../shared/domain/part.ts';
import { waitingPart } from '../shared/domain/part-end.ts';
import type { UploadedIntent } from '../shared/domain/spending/intents.ts';
import { without } from '../shared/domain/without.ts';
import type { LeasedPart } from '../shared/lifecycle/lease.ts';
import { sliceOf, uploadBody } from '../shared/part-rows/upload-body.ts';
import { isRefusedForNow, isStopped, noteSuccess, refused, waitAfterRefusal } from './refused-call.ts';
import type { Submission, SubmissionDeps } from './submission.ts';

/**
 * Uploads the part's rows. Returns false if the API refused the file: the part has then ended with the API's reason, or
 * waits.
 */
export async function uploadRows(deps: SubmissionDeps, { inHand, leased }: Submission): Promise<boolean> {
  if (await isStopped(deps, leased, 'upload')) return false;
  await leased.claim();
  const part = leased.item;
  if (part.phase !== 'uploading') return true;
  const { intent } = part;
  const slice = await sliceOf(deps, part);
  if (slice && deps.limits.budget && isAboveAdmission(part, slice)) return waitForBudget(deps, leased, slice);
  const sending: Part = slice ? { ...part, slice } : without(part, 'slice');
  const sent = new SentBytes(uploadBody(deps, sending));
  const name = `batchdrop-${part.jobId}-${part.number}-${intent.id}.jsonl`;
  try {
    const { fileId, account, createdAt, answeredAt } = await deps.api.uploadFile(
      { name, bytes: attemptSize(sending).uploadBytes, body: sent.chunks() },
      deps.signal,
    );
    const times = {
      ...(createdAt === undefined ? {} : { uploadedAt: createdAt }),
      ...(answeredAt === undefined ? {} : { answeredAt }),
    };
    const file = { fileId, account, crc32: sent.checksum, ...times };
    inHand.note(
      (now) =>
        now.phase === 'uploading' && now.intent.id === intent.id ? uploaded(now, file, slice) : undefined,
      () => undefined,
    );
    await noteSuccess(deps, 'upload');
    return true;
  } catch (failure) {
    if (isRefusedForNow(failure)) return waitAfterRefusal(deps, leased, 'upload', failure);
    if (!(failure instanceof TerminalError)) throw failure;
    deps.log.warn('upload_refused', { jobId: part.jobId, part: part.number, reason: failure.message });
    await leased.change((now) => (isBefore(now, intent.id) ? refused(now, failure) : undefined));
    return false;
  }
}

/** Returns whether the slice is a single row, which is larger than what was admitted. */
function isAboveAdmission({ admission }: Part, { uploadBytes }: Slice): boolean {
  return uploadBytes > (admission?.atMost?.uploadBytes ?? Number.POSITIVE_INFINITY);
}

/** Makes the part wait until the budget has enough left for this row. Returns false. */
async function waitForBudget(deps: SubmissionDeps, leased: LeasedPart, slice: Slice): Promise<false> {
  const since = deps.clock.now();
  await leased.change((part) => {
    if (part.phase !== 'uploading') return undefined;
    return leased.released({ ...waitingPart(part, { for: 'budget', since }), slice });
  });
  return false;
}

function uploaded(
  part: PartIn<'uploading'>,
  file: Pick<UploadedIntent, 'fileId' | 'account' | 'crc32' | 'uploadedAt' | 'answeredAt'>,
  slice: Slice | undefined,
): Part {
  const rest = without(part, 'slice', 'obstacle');
  // A successful upload does not end a refusal of a create.
  const { obstacle } = part;
  const isOver = obstacle === undefined || obstacle.for === 'storage' || obstacle.for === 'unreachable';
  return {
    ...rest,
    ...(slice ? { slice } : {}),
    ...(isOver ? {} : { obstacle }),
    phase: 'uploaded',
    intent: { ...part.intent, ...file },
    tries: 0,
  };
}

/** Returns whether the part still has this intent and no batch for it. */
function isBefore(part: Part, intentId: string): part is PartIn<'uploading' | 'uploaded' | 'creating'> {
  const isWithoutBatch = part.phase === 'uploading' || part.phase === 'uploaded' || part.phase === 'creating';
  return isWithoutBatch && part.intent.id === intentId;
}

/** Passes chunks through and computes their CRC-32. It detects errors, not attacks, at half the CPU time of SHA-256. */
class SentBytes {
  readonly #chunks: AsyncIterable<Uint8Array>;
  #crc32 = 0;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks;
  }

  async *chunks(): AsyncGenerator<Uint8Array> {
    for await (const chunk of this.#chunks) {
      this.#crc32 = crc32(chunk, this.#crc32);
      yield chunk;
    }
  }

  /** The checksum of the chunks so far: 8 hexadecimal digits. */
  get checksum(): string {
    return this.#crc32.toString(16).padStart(8, '0');
  }
}
