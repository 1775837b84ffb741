import type { DelayedItem, StalledItem } from '../../../functions/shared/domain/ledger-records.ts';
import { CREATE_UNCERTAIN } from '../../../functions/shared/domain/spending/unresolved-creates.ts';
import { shortId } from '../../terminal/short-id.ts';
import { failed, note, ok, type Verdict } from '../finding.ts';
import type { Subject } from './subject.ts';

const MAX_SHOWN = 3;

export async function isNotPaused({ connection: { ledger } }: Subject): Promise<Verdict> {
  const { paused } = await ledger.readControl();
  if (!paused) return ok('not paused');
  return note('paused: Batchdrop sends nothing new', 'To resume: batchdrop resume');
}

export async function accountIsAccepted({ connection: { ledger } }: Subject): Promise<Verdict> {
  const { breakers = [] } = await ledger.readControl();
  const [first] = breakers;
  if (!first) return ok('the API refuses no uploads or batches');
  const { said, since, open } = first;
  const what = `${first.operation === 'upload' ? 'uploads' : 'new batches'} refused (${first.for}) since ${new Date(since).toISOString()}`;
  const others = open ? '; all parts wait, and one at a time tries again' : '';
  return failed(`${what}: ${said}${others}`, 'Fix the account: docs/operations.md#accountrefused');
}

/** Shows what the functions themselves met: rights that a simulation does not see, and systems that they cannot reach. */
export async function nothingIsDelayed({ connection: { queries } }: Subject): Promise<Verdict> {
  const items = await queries.listDelayed();
  const [first] = items;
  if (first === undefined) return ok('no job waits for another system');
  const found = shownWith(items, delayText);
  const denied = items.find(({ said }) => /AccessDenied|KMS|NotAuthorized/.test(said));
  if (denied !== undefined)
    return failed(
      found,
      `A function lacks a permission. To see when it tried: batchdrop logs ${shortId(denied.jobId)}`,
    );
  if (items.some((item) => item.for === 'account' && /^read the secret/.test(item.said)))
    return failed(found, 'To store the key of the API: batchdrop key set');
  return note(found, `Batchdrop tries again by itself. To see one: batchdrop show ${shortId(first.jobId)}`);
}

export async function nothingIsStalled({ connection }: Subject): Promise<Verdict> {
  const stalled = await connection.queries.listStalled();
  if (stalled.length === 0) return ok('nothing');
  const isUncertain = stalled.some(({ reason }) => reason.code === CREATE_UNCERTAIN);
  const advice = isUncertain
    ? 'Search for the batches at the API, then: batchdrop release JOB (docs/operations.md#createuncertain)'
    : 'Find out why the step fails: docs/operations.md#stalled';
  return failed(shownWith(stalled, stalledText), advice);
}

function shownWith<T>(items: readonly T[], text: (item: T) => string): string {
  const shown = items.slice(0, MAX_SHOWN).map(text).join('; ');
  return items.length > MAX_SHOWN ? `${shown}; and ${items.length - MAX_SHOWN} more` : shown;
}

function stalledText(item: StalledItem): string {
  const part = item.kind === 'part' ? ` part ${item.number}` : '';
  return `job ${item.jobId}${part}: ${item.reason.message}`;
}

function delayText(item: DelayedItem): string {
  const part = item.kind === 'part' ? ` part ${item.number}` : '';
  return `job ${item.jobId}${part} waits (${item.for}): ${item.said}`;
}
