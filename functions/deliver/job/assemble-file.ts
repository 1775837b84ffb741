import { RetryableError, TerminalError } from '../../shared/domain/errors.ts';
import type { Assemblies, Assembly, Job } from '../../shared/domain/job.ts';
import { without } from '../../shared/domain/without.ts';
import type { LeasedJob } from '../../shared/lifecycle/lease.ts';
import type { Ports } from '../../shared/ports/ports.ts';
import { gather, type Segment } from './multipart-plan.ts';
import { isPieceGone } from './redeliver-parts.ts';

type Deps = Pick<Ports, 'log' | 'results'>;

/** A file for users that consists of pieces. */
export interface AssembledFile {
  name: keyof Assemblies;
  key: string;
  contentType: string;
  /** Returns the same segments at each call, also in another invocation. */
  segments: () => AsyncGenerator<Segment>;
}

/**
 * Assembles a file for users. The progress is stored on the job, so that the next invocation resumes. Errors: those of
 * the ports, LostLease.
 */
export async function assembleFile(deps: Deps, leased: LeasedJob, file: AssembledFile): Promise<void> {
  const { name, key, contentType } = file;
  const segments = file.segments();
  const first = await segments.next();
  const second = await segments.next();
  if (second.done && !(first.value && 'copy' in first.value)) {
    await deps.results.put(key, await gather(deps.results, first.value?.gather ?? []), contentType);
    return;
  }
  let assembly = assembliesOf(leased.item)[name];
  if (!assembly) {
    assembly = { uploadId: await deps.results.beginUpload(key, contentType), etags: [] };
    await saveAssembly(leased, name, assembly);
  }
  try {
    let number = 0;
    for await (const segment of file.segments()) {
      number += 1;
      if (number <= assembly.etags.length) continue; // already uploaded
      const etag = await uploadSegment(deps, key, assembly, segment);
      assembly = { ...assembly, etags: [...assembly.etags, etag] };
      await saveAssembly(leased, name, assembly);
    }
    if (await deps.results.completeUpload(key, assembly.uploadId, assembly.etags)) return;
  } catch (failure) {
    if (!(failure instanceof TerminalError) || isPieceGone(failure)) throw failure;
    deps.log.warn('assembly_lost', { jobId: leased.item.jobId, name, reason: failure.message });
  }
  await saveAssembly(leased, name, undefined);
  await deps.results.abortUpload(key, assembly.uploadId); // if this fails, nothing refers to the upload any more
  throw new RetryableError(`assemble ${name}: the multipart upload is gone; it begins again`, {
    afterSeconds: 1,
  });
}

async function uploadSegment(
  { results }: Deps,
  key: string,
  { uploadId, etags }: Assembly,
  segment: Segment,
): Promise<string> {
  const number = etags.length + 1;
  return 'copy' in segment
    ? results.uploadCopy(key, uploadId, number, segment.copy)
    : results.uploadBytes(key, uploadId, number, await gather(results, segment.gather));
}

async function saveAssembly(
  leased: LeasedJob,
  name: keyof Assemblies,
  assembly: Assembly | undefined,
): Promise<void> {
  await leased.change((job) => {
    if (job.status !== 'accepted' && job.status !== 'submitted') return undefined;
    const others = without(assembliesOf(job), name);
    return { ...job, assembly: assembly ? { ...others, [name]: assembly } : others };
  });
}

function assembliesOf(job: Job): Assemblies {
  return job.status === 'accepted' || job.status === 'submitted' ? (job.assembly ?? {}) : {};
}
