import { styleText } from 'node:util';
import {
  type ApprovalOutcome,
  type BatchdropEvent,
  type BatchStatusChange,
  type BatchWaiting,
  type CancelOutcome,
  DETAIL_TYPE,
  EVENT_SOURCE,
  type JobEstimate,
  type JobStalled,
  type JobStatusChange,
  type JobStatusChangeData,
  type RowCounts,
  type WaitingFor,
} from '../../functions/shared/contract/events.ts';
import { counted, grouped } from './amounts.ts';
import { escapeControlCharacters } from './escape-control-characters.ts';
import { moneyShown } from './money.ts';

/** An event as an EventBridge target receives it. */
export interface ReceivedEvent {
  readonly source: string;
  readonly 'detail-type': string;
  readonly detail: object;
}

type Colour = Parameters<typeof styleText>[0];

const COLOURS: Readonly<Record<string, Colour>> = {
  completed: 'green',
  failed: 'red',
  rejected: 'red',
  stalled: 'red',
  expired: 'yellow',
  unapproved: 'yellow',
  cancelling: 'yellow',
  cancelled: 'yellow',
};

/** Returns the color of a status. */
export function colorOf(status: string): Colour {
  return COLOURS[status] ?? 'cyan';
}

/**
 * Returns true for Batchdrop's events. An event of a later version may have a `detail-type` that the types do not have.
 */
export function isBatchdropEvent(event: ReceivedEvent): event is BatchdropEvent {
  return event.source === EVENT_SOURCE;
}

/**
 * Returns one readable line for an event of Batchdrop; undefined for any other event. `arrivedAt`: the time to show instead of the
 * event's own, in milliseconds. On one machine, the event's time is that of a clock that may run ahead.
 */
export function eventLine(event: ReceivedEvent, arrivedAt?: number): string | undefined {
  if (!isBatchdropEvent(event)) return undefined;
  const facts = factsOf(event);
  if (facts === undefined) return undefined;
  const at = arrivedAt === undefined ? event.detail.metadata.occurredAt : new Date(arrivedAt).toISOString();
  return line(at, facts);
}

/** The columns of events as a table of CSV. */
export const EVENT_COLUMNS = ['occurredAt', 'kind', 'status', 'jobId', 'batchId', 'file'] as const;

/** Returns the cells of an event of Batchdrop; undefined for any other event. */
export function eventCells(event: ReceivedEvent): string[] | undefined {
  if (!isBatchdropEvent(event)) return undefined;
  const facts = factsOf(event);
  if (facts === undefined) return undefined;
  const { metadata, data } = event.detail;
  const batchId = 'batchId' in data ? data.batchId : '';
  return [
    metadata.occurredAt,
    facts.kind,
    facts.status,
    metadata.jobId ?? '',
    batchId,
    data.requestFile?.key ?? '',
  ];
}

/** What a line says of an event, besides its time. */
interface LineFacts {
  readonly kind: string;
  readonly status: string;
  readonly rest: readonly (string | false | undefined)[];
}

function factsOf(event: BatchdropEvent): LineFacts | undefined {
  switch (event['detail-type']) {
    case DETAIL_TYPE.batchStatusChange:
      return batchLine(event.detail);
    case DETAIL_TYPE.jobStatusChange:
      return jobLine(event.detail);
    case DETAIL_TYPE.cancelOutcome:
      return outcomeLine('cancel', event.detail);
    case DETAIL_TYPE.approvalOutcome:
      return outcomeLine('approve', event.detail);
    case DETAIL_TYPE.jobStalled:
      return stalledLine(event.detail);
    default:
      return undefined;
  }
}

function batchLine({ data }: BatchStatusChange): LineFacts {
  const { completed = 0, failed = 0, total = 0 } = data.requestCounts ?? {};
  const errors = data.errors?.first[0];
  return lineFacts('batch', data.status, [
    data.requestFile.key,
    data.plannedParts > 1 && `part ${data.partNumber} of ${data.plannedParts}`,
    total > 0 && `${grouped(completed + failed)}/${grouped(total)} rows`,
    errors && `${errors.code ?? 'error'}: ${errors.message ?? ''}`,
    data.willRetry && `will retry${waitFacts(data.waiting)}`,
    data.batchId,
  ]);
}

function waitFacts(waiting: BatchWaiting | undefined): string {
  if (!waiting) return '';
  const place = waiting.position === null ? '' : `, position ${waiting.position}`;
  return ` (waiting: ${waitingFor(waiting.for)}${place}, until ${waiting.until.slice(11, 16)} at the latest)`;
}

const WAITING_FOR: Readonly<Record<WaitingFor, string>> = {
  token_limit: 'token limit',
  enqueued_tokens: 'enqueued tokens',
  open_batches: 'open batches',
  budget: 'budget',
  price_unknown: 'price of the model unknown',
  account: 'account refused by the API',
  storage: 'file storage full at the API',
  not_visible: 'uploaded file not visible yet',
  unreachable: 'API or AWS unreachable',
  results: 'results not complete yet',
};

/** Returns what a part waits for, as text. A later version may publish other reasons. */
export function waitingFor(reason: WaitingFor): string {
  return WAITING_FOR[reason] ?? String(reason).replaceAll('_', ' ');
}

function jobLine({ metadata, data }: JobStatusChange): LineFacts {
  return lineFacts('job', data.status, [data.requestFile.key, ...jobFacts(data), metadata.jobId]);
}

function jobFacts(data: JobStatusChangeData): (string | undefined)[] {
  switch (data.status) {
    case 'unapproved': {
      const by = data.approveBy.slice(0, 16).replace('T', ' ');
      const why = `held until ${by}: ${data.reason.message}`;
      return [sizeFacts(data), priceFacts(data), why, 'to approve: batchdrop approve'];
    }
    case 'accepted':
      return [sizeFacts(data), priceFacts(data), data.waiting && `waiting: ${waitingFor(data.waiting.for)}`];
    case 'submitted':
      return [sizeFacts(data)];
    case 'joined':
      return [`same bytes as job ${data.joinedJobId}, not run again`, data.message];
    case 'rejected': {
      const { count, first } = data.findings;
      const [finding] = first;
      const where = finding?.line == null ? '' : `line ${finding.line}: `;
      return [counted(count, 'finding', 'findings'), finding && `${where}${finding.message}`];
    }
    default:
      // A later version may have a status without rows.
      return ['rows' in data && data.rows.total > 0 ? rowFacts(data.rows) : undefined, data.reason?.message];
  }
}

function sizeFacts({ plannedRows, plannedParts }: { plannedRows: number; plannedParts: number }): string {
  return `${counted(plannedRows, 'row', 'rows')} in ${counted(plannedParts, 'batch', 'batches')}`;
}

function priceFacts({ estimate }: { estimate?: JobEstimate }): string | undefined {
  const { cost, currency = '' } = estimate ?? {};
  return cost ? `about ${moneyShown(cost.likely, currency)}` : undefined;
}

function rowFacts(rows: RowCounts): string {
  const { total, ...outcomes } = rows;
  const parts = Object.entries(outcomes).filter(([, count]) => count > 0);
  return `${counted(total, 'row', 'rows')}: ${parts.map(([outcome, count]) => `${grouped(count)} ${outcome}`).join(', ')}`;
}

function outcomeLine(kind: string, { data }: CancelOutcome | ApprovalOutcome): LineFacts {
  return lineFacts(kind, data.outcome, [data.message, Object.values(data.request).join('/')]);
}

function stalledLine({ metadata, data }: JobStalled): LineFacts {
  return lineFacts('job', 'stalled', [
    data.requestFile.key,
    data.plannedParts > 1 && `part ${data.partNumber} of ${data.plannedParts}`,
    data.message,
    metadata.jobId,
  ]);
}

/** The id comes last, because a narrow terminal cuts the end of the line. */
function lineFacts(kind: string, status: string, rest: LineFacts['rest']): LineFacts {
  return { kind, status, rest };
}

function line(occurredAt: string, { kind, status, rest }: LineFacts): string {
  const time = styleText('dim', escapeControlCharacters(occurredAt.slice(11, 19)));
  const shown = styleText(colorOf(status), escapeControlCharacters(status).padEnd(11));
  const texts = rest.filter((fact) => typeof fact === 'string' && fact !== '').map(String);
  return `${time}  ${kind.padEnd(6)}  ${shown}  ${texts.map(escapeControlCharacters).join('  ')}`;
}
