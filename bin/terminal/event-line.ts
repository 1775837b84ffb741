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

/**
 * Returns true for Batchdrop's events. An event of a later version may have a `detail-type` that the types do not have.
 */
export function isBatchdropEvent(event: ReceivedEvent): event is BatchdropEvent {
  return event.source === EVENT_SOURCE;
}

/** Returns one readable line for an event of Batchdrop; undefined for any other event. */
export function eventLine(event: ReceivedEvent): string | undefined {
  if (!isBatchdropEvent(event)) return undefined;
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

function batchLine({ metadata, data }: BatchStatusChange): string {
  const { completed = 0, failed = 0, total = 0 } = data.requestCounts ?? {};
  const errors = data.errors?.first[0];
  return line(metadata.occurredAt, 'batch', data.status, [
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
  results: 'results not complete at the API yet',
};

/** Returns what a part waits for, as text. A later version may publish other reasons. */
export function waitingFor(reason: WaitingFor): string {
  return WAITING_FOR[reason] ?? String(reason).replaceAll('_', ' ');
}

function jobLine({ metadata, data }: JobStatusChange): string {
  return line(metadata.occurredAt, 'job', data.status, [
    data.requestFile.key,
    ...jobFacts(data),
    metadata.jobId,
  ]);
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

function outcomeLine(kind: string, { metadata, data }: CancelOutcome | ApprovalOutcome): string {
  return line(metadata.occurredAt, kind, data.outcome, [data.message, Object.values(data.request).join('/')]);
}

function stalledLine({ metadata, data }: JobStalled): string {
  return line(metadata.occurredAt, 'job', 'stalled', [
    data.requestFile.key,
    data.plannedParts > 1 && `part ${data.partNumber} of ${data.plannedParts}`,
    data.message,
    metadata.jobId,
  ]);
}

/** The id comes last, because a narrow terminal wraps the end of the line. */
function line(
  occurredAt: string,
  kind: string,
  status: string,
  facts: (string | false | undefined)[],
): string {
  const time = styleText('dim', escapeControlCharacters(occurredAt.slice(11, 19)));
  const shown = styleText(COLOURS[status] ?? 'cyan', escapeControlCharacters(status).padEnd(11));
  const rest = facts.filter((fact) => typeof fact === 'string' && fact !== '').map(String);
  return `${time}  ${kind.padEnd(6)}  ${shown}  ${rest.map(escapeControlCharacters).join('  ')}`;
}
