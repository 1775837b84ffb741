import { randomUUID } from 'node:crypto';
import { LOCAL_ACCOUNT, LOCAL_REGION } from '../protocol/aws-service.ts';
import type { Input } from '../protocol/input.ts';

/** An event in the form that rules match and targets receive. */
export interface AwsEvent {
  readonly version: '0';
  readonly id: string;
  readonly 'detail-type': string;
  readonly source: string;
  readonly account: string;
  /** In whole seconds, as in EventBridge. */
  readonly time: string;
  readonly region: string;
  readonly resources: readonly string[];
  readonly detail: object;
}

/** The sender's part of an event; `time` in milliseconds since the epoch. */
export interface EventContent {
  readonly source: string;
  readonly detailType: string;
  readonly detail: object;
  readonly resources?: readonly string[];
  readonly time: number;
}

/** A refused entry of PutEvents. */
export interface EntryRefusal {
  readonly ErrorCode: string;
  readonly ErrorMessage: string;
}

export function envelope(content: EventContent): AwsEvent {
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': content.detailType,
    source: content.source,
    account: LOCAL_ACCOUNT,
    time: new Date(content.time).toISOString().replace(/\.\d{3}Z$/, 'Z'),
    region: LOCAL_REGION,
    resources: content.resources ?? [],
    detail: content.detail,
  };
}

/** Returns the content of a PutEvents entry, or its error; `now` is the time of an entry without one. */
export function parseEntry(entry: Input, now: number): EventContent | EntryRefusal {
  const source = entry.optionalText('Source') ?? '';
  const detailType = entry.optionalText('DetailType') ?? '';
  const detailText = entry.optionalText('Detail') ?? '';
  if (source === '') return missing('Source');
  if (detailType === '') return missing('DetailType');
  if (detailText === '') return missing('Detail');
  if (source.startsWith('aws.')) {
    return refusal('NotAuthorizedForSource', `Not authorized for the source ${source}.`);
  }
  const detail = parseObject(detailText);
  if (detail === undefined)
    return refusal('MalformedDetail', 'Detail is malformed: it must be a JSON object.');
  const time = entry.optionalTime('Time') ?? now;
  return { source, detailType, detail, resources: entry.texts('Resources'), time };
}

/**
 * Returns how many bytes an entry counts toward the size limit of a PutEvents call.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevent-size.html
 */
export function entryBytes(entry: Input): number {
  let bytes = entry.has('Time') ? 14 : 0;
  for (const field of ['Source', 'DetailType', 'Detail']) {
    bytes += Buffer.byteLength(entry.optionalText(field) ?? '');
  }
  for (const resource of entry.texts('Resources')) bytes += Buffer.byteLength(resource);
  return bytes;
}

function missing(name: string): EntryRefusal {
  return refusal(
    'InvalidArgument',
    `Parameter ${name} is not valid. Reason: ${name} is a required argument.`,
  );
}

export function refusal(ErrorCode: string, ErrorMessage: string): EntryRefusal {
  return { ErrorCode, ErrorMessage };
}

function parseObject(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined; // the caller reports any invalid JSON in the same way
  }
}
