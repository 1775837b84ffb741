/**
 * Undocumented responses that were observed from vendors and gateways. Each function takes the right response and
 * returns the odd one. A fault applies one to single requests, a vendor's profile to every request.
 */
import { isJsonObject, type Json, type JsonObject, parseJson } from '../json.ts';
import type { PlainOddity } from './faults.ts';
import { seededHex } from './seeded-random.ts';

export type OddAnswer = (answer: JsonObject, now: number) => JsonObject;

const LONG_ID = 328; // characters, as observed in litellm's ids
const LONG_ID_MARK = '_zz';
const HUGE_METADATA = 600_000;
const HUGE_ANSWER = 11_000_000;
const MORE_BYTES = 3;

export const ODD_ANSWERS: Readonly<Record<PlainOddity, OddAnswer>> = {
  'bare-list': eachList(({ object = 'list', data = [] }) => ({ object, data })),
  endless: eachList((list) => ({ ...list, has_more: true })),
  'odd-entries': withOddEntries,
  'rewritten-file-id': eachBatch((batch) => ({
    ...batch,
    input_file_id: `file-gw-${seededHex(`rewritten/${batch.input_file_id}`, 22)}`,
  })),
  'no-counts': eachBatch((batch) => ({ ...batch, request_counts: null })),
  'empty-fields': eachBatch((batch) => ({
    ...batch,
    output_file_id: batch.output_file_id ?? '',
    error_file_id: batch.error_file_id ?? {},
    usage: null,
    errors: batch.errors ?? {},
  })),
  'odd-times': eachBatch(withOddTimes),
  capitals: eachBatch((batch) => ({ ...batch, status: String(batch.status).toUpperCase() })),
  'huge-metadata': eachBatch(({ metadata, ...batch }) => ({
    ...batch,
    metadata: { ...(isJsonObject(metadata) ? metadata : {}), added_by_gateway: 'x'.repeat(HUGE_METADATA) },
  })),
  'huge-answer': (answer) => ({ ...answer, padding: 'x'.repeat(HUGE_ANSWER) }),
  'odd-error-file': eachBatch((batch) => ({
    ...batch,
    error_file_id: batch.error_file_id ?? '../no/file?',
  })),
  'long-ids': (answer) => longIdsIn(answer),
  'other-bytes': eachOf('file', (file) => ({ ...file, bytes: Number(file.bytes) + MORE_BYTES })),
};

/** Returns the change of a response that hides results younger than `ms`, although the counts include them. */
export function withoutYoungResults(ms: number): OddAnswer {
  return (answer, now) =>
    eachBatch((batch) => {
      const ended = batch.completed_at ?? batch.expired_at ?? batch.cancelled_at;
      if (typeof ended !== 'number' || now - ended * 1_000 >= ms) return batch;
      return { ...batch, output_file_id: null, error_file_id: null };
    })(answer, now);
}

/** Returns the change of a response that shows files younger than `ms` as pending. */
export function withPendingFiles(ms: number): OddAnswer {
  return (answer, now) =>
    eachOf('file', (file) =>
      now - Number(file.created_at) * 1_000 < ms ? { ...file, status: 'pending' } : file,
    )(answer, now);
}

/** Returns a response of an operation with these changes, applied in order. */
export function oddly(answer: object, changes: readonly OddAnswer[], now: number): object {
  if (changes.length === 0) return answer;
  const plain = parseJson(JSON.stringify(answer));
  if (!isJsonObject(plain)) return answer;
  return changes.reduce((changed, change) => change(changed, now), plain);
}

/** Returns the server's own id for an id that `long-ids` has lengthened. Any other id is returned unchanged. */
export function ownId(id: string): string {
  const at = id.indexOf(LONG_ID_MARK);
  return id.length === LONG_ID && at > 0 ? id.slice(0, at) : id;
}

function eachList(change: (list: JsonObject) => JsonObject): OddAnswer {
  return (answer) => (Array.isArray(answer.data) ? change(answer) : answer);
}

function eachBatch(change: (batch: JsonObject) => JsonObject): OddAnswer {
  return eachOf('batch', change);
}

/** Changes the objects of this kind: the response itself, or the entries of a list. */
function eachOf(kind: string, change: (item: JsonObject) => JsonObject): OddAnswer {
  const changed = (value: Json) => (isJsonObject(value) && value.object === kind ? change(value) : value);
  return (answer) => {
    if (Array.isArray(answer.data)) return { ...answer, data: answer.data.map(changed) };
    return answer.object === kind ? change(answer) : answer;
  };
}

/** Adds odd batches of other programs in a shared account. They must not affect our batches. */
function withOddEntries(answer: JsonObject): JsonObject {
  if (!Array.isArray(answer.data)) return answer;
  const [first, ...rest] = answer.data;
  const neighbour: JsonObject = {
    ...(isJsonObject(first) ? first : {}),
    id: 'batch_of_a_neighbour',
    metadata: null,
    input_file_id: null,
  };
  const odd: Json[] = [
    neighbour,
    { id: 'job_1', object: 'fine_tuning.job', status: 'running' },
    null,
    'text',
  ];
  const again = first === undefined ? [] : [first, first];
  return { ...answer, data: [...odd, ...again, ...rest] };
}

/** Changes times into text, and the creation time of every other batch into an invalid one. */
function withOddTimes(batch: JsonObject): JsonObject {
  const times = Object.entries(batch).flatMap(([name, value]): [string, Json][] =>
    name.endsWith('_at') && typeof value === 'number' ? [[name, new Date(value * 1_000).toISOString()]] : [],
  );
  const isFar = seededHex(`times/${batch.id}`, 1) < '8';
  return { ...batch, ...Object.fromEntries(times), ...(isFar ? { created_at: 1e300 } : {}) };
}

function longIdsIn(answer: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(answer).map(([name, value]) => [name, longIds(value)]));
}

function longIds(value: Json): Json {
  if (typeof value === 'string') return /^(file-|batch_)[\w-]{8,64}$/.test(value) ? lengthened(value) : value;
  if (Array.isArray(value)) return value.map(longIds);
  return isJsonObject(value) ? longIdsIn(value) : value;
}

const lengthened = (id: string) => `${id}${LONG_ID_MARK}`.padEnd(LONG_ID, 'z');
