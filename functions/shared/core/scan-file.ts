/** Reads and checks a job's request file, and keeps what the plan needs beside it in the results bucket. */
import { type CheckedFile, checkRequestFile, type RowTables } from './check-request-file.ts';
import { RetryLater } from './errors.ts';
import type { Job, Scan } from './job.ts';
import type { HeldJob } from './lease.ts';
import type { Ports } from './ports.ts';
import { rowTableKey } from './result-keys.ts';

export type ScanDeps = Pick<Ports, 'ids' | 'requestFiles' | 'results'>;

/** The verdict on the file, and the planId under which its row tables lie. Errors: as the ports', LostLease. */
export async function scanFile(
  deps: ScanDeps,
  held: HeldJob,
  signal: AbortSignal,
): Promise<{ planId: string; checked: CheckedFile }> {
  const { planId } = await beginScan(deps, held);
  const checked = await checkRequestFile(
    () => reading(deps, held.job, signal),
    tablesOf(deps, held.job, planId),
  );
  return { planId, checked };
}

/** On the job before the first object is written: so whoever cleans up knows that there may be some. */
async function beginScan(deps: ScanDeps, held: HeldJob): Promise<Scan> {
  const scan: Scan = { planId: deps.ids.next() };
  await held.change((job) => ({ ...job, scan }));
  return scan;
}

function tablesOf({ results }: ScanDeps, { jobId, request }: Job, planId: string): RowTables {
  const keyOf = (number: number) => rowTableKey({ jobId, planId, number, request });
  return {
    write: (number, table) => results.put(keyOf(number), table, 'application/octet-stream'),
    async read(number) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of results.read(keyOf(number))) chunks.push(chunk);
      return Buffer.concat(chunks);
    },
  };
}

async function* reading(
  { requestFiles }: ScanDeps,
  { request }: Job,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of requestFiles.read(request)) {
    if (signal.aborted) throw new RetryLater('intake: out of time in this invocation');
    yield chunk;
  }
}
