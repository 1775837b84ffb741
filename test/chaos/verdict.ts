/**
 * Judges a run from what anybody can observe: the request files, the events, the results, and what the Batch API
 * received and billed. Each complaint is a sentence. No complaint means that every promise was kept.
 */
import { hasEnded } from '../../functions/shared/contract/batch-status.ts';
import type { AuditEntry } from '../../local/openai/audit-log.ts';
import type { ReceivedEvent } from '../local/endpoint/user-program.ts';
import { isEnd } from './event-recorder.ts';

export interface Evidence {
  readonly files: readonly RequestFile[];
  /** As they were received: possibly repeated, and in any order. */
  readonly events: readonly ReceivedEvent[];
  readonly audit: readonly AuditEntry[];
  /** The results of jobs whose last event says where they are. */
  readonly results: ReadonlyMap<string, Results>;
}

export interface RequestFile {
  readonly key: string;
  readonly jobId: string;
  readonly body: string;
}

/** The contents of a job's results; undefined if there is no such object. */
export interface Results {
  readonly output: string | undefined;
  readonly errors: string | undefined;
  readonly summary: string | undefined;
}

const MAX_ATTEMPTS = 3; // the construct's default

/**
 * The only fault of the Batch API server that may make a job fail: an upload that is too large for a gateway in front
 * of it.
 */
const FINAL = /HTTP 413/;

type Created = Extract<AuditEntry, { event: 'batch.created' }>;

/** Returns every broken promise. */
export function judge(evidence: Evidence): string[] {
  const events = once(evidence.events);
  return [
    ...evidence.files.flatMap((file) => complaintsOf(file, evidence, events)),
    ...unknownBatches(evidence),
    ...disorder(events),
  ];
}

function complaintsOf(file: RequestFile, evidence: Evidence, events: readonly ReceivedEvent[]): string[] {
  const ends = events.filter((event) => isEnd(event) && event.detail.metadata.jobId === file.jobId);
  const name = `${file.key} (job ${file.jobId})`;
  const [end] = ends;
  const paid = [...secondBatches(file, evidence), ...paidTwice(file, evidence)].map(
    (problem) => `${name}: ${problem}`,
  );
  if (end === undefined) return [`${name}: lost, it never ended`, ...paid];
  if (ends.length > 1) return [`${name}: ended ${ends.length} times`, ...paid];
  return [...paid, ...unaccounted(file, evidence, end).map((problem) => `${name}: ${problem}`)];
}

/**
 * At most one batch of an intent is kept, and any other one must be cancelled and reported. If the network repeated a
 * request, the other batch may have ended before it could be found. Then it is only reported.
 */
function secondBatches({ jobId }: RequestFile, { audit, results }: Evidence): string[] {
  const reported = results.get(jobId)?.summary ?? '';
  const cancelled = new Set(
    audit.flatMap((entry) => (entry.event === 'batch.cancel_requested' ? entry.batchId : [])),
  );
  const byIntent = Map.groupBy(batchesOf(audit, jobId), ({ metadata }) => metadata?.batchdrop_intent ?? '');
  return [...byIntent].flatMap(([intent, batches]) => {
    const kept = batches.filter((batch) => {
      const isDealtWith = cancelled.has(batch.batchId) || isRepeated(batch, batches);
      return !(isDealtWith && reported.includes(batch.batchId));
    });
    return kept.length > 1 ? [`intent ${intent} has ${kept.length} batches`] : [];
  });
}

/** Returns whether the request of this batch arrived more than once. */
function isRepeated({ n, at, inputFileId }: Created, batches: readonly Created[]): boolean {
  return batches.some((other) => other.n !== n && other.at === at && other.inputFileId === inputFileId);
}

/** Returns the rows that Batchdrop paid for twice, except those of a request that the network repeated. */
function paidTwice({ jobId }: RequestFile, { audit }: Evidence): string[] {
  const counts = new Map<string, number>();
  const batches = batchesOf(audit, jobId);
  const firsts = batches.filter(
    (batch) =>
      !isRepeated(
        batch,
        batches.filter(({ n }) => n < batch.n),
      ),
  );
  const sent = new Set(firsts.map(({ batchId }) => batchId));
  for (const id of billedRows(audit, sent)) counts.set(id, (counts.get(id) ?? 0) + 1);
  return [...counts].flatMap(([id, count]) => (count > 1 ? [`${id} was paid ${count} times`] : []));
}

function unaccounted(file: RequestFile, evidence: Evidence, { detail }: ReceivedEvent): string[] {
  const { audit } = evidence;
  const { status } = detail.data;
  const results = evidence.results.get(file.jobId);
  if (status === 'rejected' || status === 'joined' || results === undefined) {
    const batches = batchesOf(audit, file.jobId).length;
    return batches > 0 ? [`${status}, and yet it has ${batches} batches and no results`] : [];
  }
  if (results.output === undefined || results.errors === undefined || results.summary === undefined) {
    return [`${status}, but not all of its results are there`];
  }
  const succeeded = idsIn(results.output);
  const batches = batchesOf(audit, file.jobId);
  const ids = new Set(batches.map(({ batchId }) => batchId));
  return [
    ...(status === 'failed' && !FINAL.test(reasonOf(detail))
      ? [`given up, though every fault was a passing one: ${reasonOf(detail)}`]
      : []),
    ...(status === 'cancelled' ? [] : givenUpEarly(results.errors)),
    ...difference('row', idsIn(file.body), [...succeeded, ...idsIn(results.errors)]),
    ...difference('paid row', [...new Set(billedRows(audit, ids))], succeeded),
    ...batches.flatMap(({ batchId }) =>
      results.summary?.includes(batchId) ? [] : [`batch ${batchId} is not in its summary`],
    ),
  ];
}

/** Rows that ran out of time run again until they were in the maximum number of batches. */
function givenUpEarly(errors: string): string[] {
  const early = linesOf(errors).filter(
    ({ error, attempts }) => error?.code === 'batch_expired' && attempts !== MAX_ATTEMPTS,
  );
  return early.map(
    ({ custom_id, attempts }) => `${custom_id} expired and was in ${attempts} of ${MAX_ATTEMPTS} batches`,
  );
}

function reasonOf({ data }: ReceivedEvent['detail']): string {
  return JSON.stringify(data.reason ?? data.batches);
}

/** Returns the batches that belong to no request file. */
function unknownBatches({ files, audit }: Evidence): string[] {
  const known = new Set(files.map(({ jobId }) => jobId));
  return audit.flatMap((entry) =>
    entry.event === 'batch.created' && !known.has(entry.metadata?.batchdrop_job ?? '')
      ? [`batch ${entry.batchId} belongs to no request file`]
      : [],
  );
}

/** Checks that the sequences of each job and each batch are 1, 2, 3 … and finish with an end. */
function disorder(events: readonly ReceivedEvent[]): string[] {
  const changes = events.filter(({ detail }) => detail.data.previousStatus !== undefined);
  const subjects = Map.groupBy(changes, ({ detail }) => detail.metadata.id.replace(/:\d+$/, ''));
  return [...subjects].flatMap(([subject, heard]) => {
    const ordered = heard.toSorted((a, b) => a.detail.metadata.sequence - b.detail.metadata.sequence);
    const sequences = ordered.map(({ detail }) => detail.metadata.sequence);
    const gaps = sequences.some((sequence, at) => sequence !== at + 1);
    const last = ordered.at(-1);
    const open = last !== undefined && !isEnd(last) && !hasEnded(String(last.detail.data.status));
    return [
      ...(gaps ? [`${subject}: events ${sequences.join(', ')} were published`] : []),
      ...(open ? [`${subject}: its last event says ${last.detail.data.status}`] : []),
    ];
  });
}

/** Returns each event once, by its own id. */
function once(events: readonly ReceivedEvent[]): ReceivedEvent[] {
  return [...new Map(events.map((event) => [event.detail.metadata.id, event])).values()];
}

function batchesOf(audit: readonly AuditEntry[], jobId: string): Created[] {
  return audit.flatMap((entry) =>
    entry.event === 'batch.created' && entry.metadata?.batchdrop_job === jobId ? entry : [],
  );
}

function billedRows(audit: readonly AuditEntry[], batches: ReadonlySet<string>): string[] {
  return audit.flatMap((entry) =>
    entry.event === 'row.billed' && batches.has(entry.batchId) ? entry.customId : [],
  );
}

function idsIn(jsonl: string): string[] {
  return linesOf(jsonl).map(({ custom_id }) => custom_id);
}

interface ResultLine {
  custom_id: string;
  error?: { code: string } | null;
  attempts?: number;
}

function linesOf(jsonl: string): ResultLine[] {
  return jsonl
    .split('\n')
    .filter(Boolean)
    .map((line): ResultLine => JSON.parse(line));
}

function difference(what: string, expected: readonly string[], found: readonly string[]): string[] {
  const [wanted, there] = [new Set(expected), new Set(found)];
  const list = (ids: string[]) => `${ids.length} (${ids.slice(0, 3).join(', ')})`;
  const lost = expected.filter((id) => !there.has(id));
  const extra = found.filter((id, at) => !wanted.has(id) || found.indexOf(id) !== at);
  return [
    ...(lost.length > 0 ? [`${what}s lost from its results: ${list(lost)}`] : []),
    ...(extra.length > 0 ? [`${what}s too many in its results: ${list(extra)}`] : []),
  ];
}
