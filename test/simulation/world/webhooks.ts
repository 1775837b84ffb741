import { createHash } from 'node:crypto';
import { hasEnded } from '../../../functions/shared/contract/batch-status.ts';
import type { IsGenuine } from '../../../functions/shared/ports/ports.ts';
import { OF_ANOTHER_PROGRAM } from '../../../functions/webhook/observe-told.ts';
import type { WebhookAnswer, WebhookRequest } from '../../../functions/webhook/read-request.ts';
import type { InMemoryBatchApi } from '../../fakes/in-memory-batch-api.ts';
import type { InMemoryLedger } from '../../fakes/in-memory-ledger.ts';
import type { FaultBook } from '../faults/fault-book.ts';
import type { Chance } from './chance.ts';
import { MINUTE } from './invocation.ts';
import type { Timeline } from './timeline.ts';

const SHARE_WITH_WEBHOOKS = 0.6;
const SECRET = 'the secret of the simulation';
const TRIES = 7;
const FIRST_PAUSE_MS = 20_000;
const LATEST_MS = 60 * MINUTE;

/** What the API that sends webhooks needs from the world. */
export interface Surroundings {
  timeline: Timeline;
  chance: Chance;
  faults: FaultBook;
  api: InMemoryBatchApi;
  ledger: InMemoryLedger;
  /** Invokes WEBHOOK. An invocation that dies never responds. */
  send(id: string, request: WebhookRequest, answered: (answer: WebhookAnswer) => void): void;
}

/** The API as the sender of webhooks, and somebody who forges them. Some histories have none. */
export class Webhooks {
  readonly isOn: boolean;
  readonly observeIntervalMs: number;
  /** Webhooks that were acknowledged without a record in the ledger, and forged requests that were accepted. */
  readonly wronglyAnswered: string[] = [];
  answersChecked = 0;
  forgedChecked = 0;
  readonly #with: Surroundings;

  constructor(surroundings: Surroundings) {
    const { chance } = surroundings;
    this.#with = surroundings;
    this.isOn = chance.of('webhooks') < SHARE_WITH_WEBHOOKS;
    const isPaced = this.isOn && chance.of('observe interval') < SHARE_WITH_WEBHOOKS;
    this.observeIntervalMs = isPaced ? 15 * MINUTE : 0;
  }

  /** Called when a batch was created: its end will be reported. */
  watch(batchId: string): void {
    if (!this.isOn) return;
    const { faults, chance } = this.#with;
    if (faults.occurs('webhook early', batchId)) this.#send(batchId, 'early', 0);
    if (chance.of(`forged ${batchId}`) < SHARE_WITH_WEBHOOKS) this.#forge(batchId);
    this.#lookFor(batchId, MINUTE / 2);
  }

  #lookFor(batchId: string, afterMs: number): void {
    const { timeline, api } = this.#with;
    timeline.at(timeline.now() + afterMs, () => {
      const again = () => this.#lookFor(batchId, Math.min(1.3 * afterMs, 15 * MINUTE));
      api.retrieveBatch(batchId).then(
        ({ status }) => (hasEnded(status) ? this.#tell(batchId) : again()),
        again, // the current key belongs to another account
      );
    });
  }

  #tell(batchId: string): void {
    const { faults, chance } = this.#with;
    if (faults.occurs('webhook lost', batchId)) return;
    const copies = faults.occurs('webhook twice', batchId) ? 2 : 1;
    for (let copy = 1; copy <= copies; copy += 1) {
      const name = `${batchId} ${copy}`;
      const late = faults.occurs('webhook late', name) ? LATEST_MS : 5_000;
      this.#send(batchId, `${copy}`, chance.between(`webhook ${name}`, 100, late));
    }
  }

  #send(batchId: string, copy: string, afterMs: number, tries = 1): void {
    const { timeline, send } = this.#with;
    timeline.at(timeline.now() + afterMs, () => {
      let isAcknowledged = false;
      send(`webhook(${batchId} ${copy}#${tries})`, signed(batchId), ({ status, said }) => {
        isAcknowledged = status < 300;
        if (isAcknowledged) void this.#check(batchId, said);
      });
      const pauseMs = FIRST_PAUSE_MS * 2 ** tries;
      timeline.at(timeline.now() + pauseMs, () => {
        if (!isAcknowledged && tries < TRIES) this.#send(batchId, copy, 0, tries + 1);
      });
    });
  }

  /** Checks that the ledger has what was acknowledged: the end, or a note of it. */
  async #check(batchId: string, said: string): Promise<void> {
    const { ledger, faults, api } = this.#with;
    if (said === OF_ANOTHER_PROGRAM && faults.fired.has('fields missing')) return; // the API did not show us our intent
    // Searches resolve an intent that its part no longer has, because no single answer is believed for it.
    const { metadata } = api.audit().creates.find((create) => create.batchId === batchId) ?? {};
    const isPresent = ledger.parts(({ intent }) => intent?.id === metadata?.batchdrop_intent).length > 0;
    if (said === OF_ANOTHER_PROGRAM && !isPresent) return;
    this.answersChecked += 1;
    // SUBMIT may have saved the batch in the meantime, and still has to read the note.
    const [part] = ledger.parts(({ batch }) => batch?.batchId === batchId);
    const isInPart =
      part !== undefined &&
      (part.phase !== 'running' || hasEnded(part.batch.status) || part.toldAt !== undefined);
    const isOther = ledger.parts(
      ({ secondBatchIds, earlierBatchIds }) =>
        secondBatchIds.includes(batchId) || earlierBatchIds.includes(batchId),
    );
    const isKnownOtherwise =
      part === undefined && (isOther.length > 0 || (await ledger.readBatchPointer(batchId)) !== undefined);
    const isNoted = isInPart || isKnownOtherwise || (await ledger.readEarlyEnd(batchId)) !== undefined;
    if (!isNoted)
      this.wronglyAnswered.push(`the webhook about ${batchId} was acknowledged, and left no trace`);
  }

  #forge(batchId: string): void {
    const { timeline, chance, send } = this.#with;
    const genuine = signed(batchId);
    const spaced = Buffer.from(genuine.body.toString().replace(':', ': '));
    const forged: WebhookRequest =
      chance.of(`forged as ${batchId}`) < 0.5
        ? { ...genuine, body: spaced }
        : { ...genuine, headers: { 'webhook-signature': signatureOf(genuine.body, 'a guess') } };
    timeline.at(timeline.now() + chance.between(`forged at ${batchId}`, 0, 10 * MINUTE), () => {
      send(`webhook(forged ${batchId})`, forged, ({ status }) => {
        this.forgedChecked += 1;
        if (status < 400 || status >= 500)
          this.wronglyAnswered.push(`a forged webhook about ${batchId} was answered with ${status}`);
      });
    });
  }
}

/** Like the function's `isGenuine`, without its clock. */
export const isGenuineHere: IsGenuine = (secrets, headers, body) =>
  secrets.some((secret) => headers['webhook-signature'] === signatureOf(body, secret));

export const SECRETS_HERE = { current: async () => [SECRET], afterRefusal: async () => [] };

function signed(batchId: string): WebhookRequest {
  const body = Buffer.from(JSON.stringify({ type: 'batch.completed', data: { id: batchId } }));
  return { method: 'POST', headers: { 'webhook-signature': signatureOf(body, SECRET) }, body };
}

function signatureOf(body: Buffer, secret: string): string {
  return createHash('sha1').update(secret).update(body).digest('base64');
}
