import { expect } from 'vitest';
import type { SqsAnswer, SqsCaller } from './sqs-caller.ts';

export type Step =
  | { readonly does: 'send'; readonly delay: number; readonly attributes: boolean }
  | { readonly does: 'send batch'; readonly count: number }
  | { readonly does: 'receive'; readonly visibility: number | undefined }
  | { readonly does: 'delete' | 'delete batch'; readonly nth: number }
  | { readonly does: 'hide' | 'hide batch'; readonly nth: number; readonly seconds: number }
  | { readonly does: 'wait'; readonly seconds: number }
  | { readonly does: 'err'; readonly nth: number }
  | { readonly does: 'count' | 'receive dead' | 'purge' };

interface Side {
  readonly caller: SqsCaller;
  readonly url: string;
  readonly deadUrl: string;
}

/** The two handles of one receipt. */
interface Receipt {
  readonly body: string;
  readonly ours: string;
  readonly theirs: string;
  hiddenUntil: number;
  /** A later receipt or a deletion has made the handle useless. */
  powerless: boolean;
}

interface Options {
  readonly ours: Side;
  readonly theirs: Side;
  readonly visibilitySeconds: number;
  readonly now: () => number;
  readonly wait: (seconds: number) => void;
}

// A single receive gets all messages, so both sides must return the same ones.
const MAX_MESSAGES = 10;

const ATTRIBUTES = {
  kind: { DataType: 'String', StringValue: 'größer' },
  size: { DataType: 'Number', StringValue: '12.50' },
  raw: { DataType: 'Binary', BinaryValue: 'AAEC/w==' },
};

const entriesOf = (count: number) =>
  Array.from({ length: count }, (_, at) => ({ Id: `m${at}`, MessageBody: 'x' }));

/** Requests that are invalid in any state. */
const WRONG: readonly (readonly [operation: string, input: object])[] = [
  ['SendMessage', { MessageBody: '' }],
  ['SendMessage', { MessageBody: 'a\u0001b' }],
  ['SendMessage', { MessageBody: 'x', QueueUrl: 'http://127.0.0.1:1/000000000000/nowhere' }],
  ['SendMessageBatch', { Entries: [] }],
  ['SendMessageBatch', { Entries: entriesOf(11) }],
  ['SendMessageBatch', { Entries: [...entriesOf(1), ...entriesOf(1)] }],
  ['SendMessageBatch', { Entries: [{ Id: 'not an id', MessageBody: 'x' }] }],
  ['ReceiveMessage', { MaxNumberOfMessages: 11 }],
  ['ReceiveMessage', { MaxNumberOfMessages: 0 }],
  ['ReceiveMessage', { VisibilityTimeout: 43_201 }],
];

/**
 * Calls two SQS servers in the same way and expects the same responses. Known differences that AWS does not specify are
 * not compared: the order of messages; a handle whose visibility time-out is over but that no later receipt replaced
 * (it still deletes here and on AWS, but not in fauxqs); counts after time has passed, which fauxqs updates only at a
 * receipt; and the receive count of a message in the dead-letter queue.
 */
export class Comparison {
  readonly seen = new Map<string, number>();
  readonly #options: Options;
  readonly #receipts: Receipt[] = [];
  #sent = 0;
  #timeHasPassed = false;

  constructor(options: Options) {
    this.#options = options;
  }

  async take(step: Step): Promise<void> {
    switch (step.does) {
      case 'send':
        return this.#send(step);
      case 'send batch':
        return this.#sendBatch(step.count);
      case 'receive':
        return this.#receive(step.visibility);
      case 'delete':
      case 'delete batch':
        return this.#withReceipt(step.nth, (receipt) => this.#delete(receipt, step.does === 'delete batch'));
      case 'hide':
      case 'hide batch':
        return this.#withReceipt(step.nth, (receipt) =>
          this.#hide(receipt, step.seconds, step.does === 'hide batch'),
        );
      case 'wait':
        this.#timeHasPassed = true;
        return this.#options.wait(step.seconds);
      case 'count':
        return this.#count();
      case 'receive dead':
        return this.#receiveDead();
      case 'purge':
        for (const receipt of this.#receipts) receipt.powerless = true;
        return void (await this.#both('PurgeQueue', () => ({})));
      case 'err':
        return this.#err(step.nth);
    }
  }

  async #send({ delay, attributes }: { delay: number; attributes: boolean }): Promise<void> {
    const [MessageBody] = this.#newBodies(1);
    if (MessageBody === undefined) return;
    const input = { MessageBody, DelaySeconds: delay, ...(attributes && { MessageAttributes: ATTRIBUTES }) };
    const answer = await this.#both('SendMessage', () => input, ['MessageId']);
    expect(answer).not.toHaveProperty('refused');
  }

  async #sendBatch(count: number): Promise<void> {
    // The forbidden character in the last entry fails only that entry.
    const bodies = this.#newBodies(count);
    if (bodies.length === 0) return;
    const Entries = [...bodies, 'a\u0001b'].map((MessageBody, at) => ({ Id: `m${at}`, MessageBody }));
    await this.#both('SendMessageBatch', () => ({ Entries }), ['MessageId', 'Message']);
  }

  async #receive(visibility: number | undefined): Promise<void> {
    const input = {
      MaxNumberOfMessages: 10,
      MessageAttributeNames: ['All'],
      MessageSystemAttributeNames: ['All'],
      ...(visibility !== undefined && { VisibilityTimeout: visibility }),
    };
    const [ours, theirs] = await this.#messages('url', input);
    const hiddenSeconds = visibility ?? this.#options.visibilitySeconds;
    const attributes = ['SentTimestamp', 'ApproximateReceiveCount', 'ApproximateFirstReceiveTimestamp'];
    expect(ours.map((message) => plain(message, attributes))).toEqual(
      theirs.map((message) => plain(message, attributes)),
    );
    for (const [at, message] of ours.entries()) {
      const body = String(message.Body);
      for (const former of this.#receipts.filter((receipt) => receipt.body === body)) {
        if (!former.powerless) this.#saw('came back');
        former.powerless = true;
      }
      this.#receipts.push({
        body,
        ours: String(message.ReceiptHandle),
        theirs: String(theirs[at]?.ReceiptHandle),
        hiddenUntil: this.#options.now() + hiddenSeconds * 1000,
        powerless: false,
      });
      this.#saw('received');
    }
    this.#timeHasPassed = hiddenSeconds === 0 && ours.length > 0;
  }

  async #receiveDead(): Promise<void> {
    const input = {
      MaxNumberOfMessages: 10,
      MessageAttributeNames: ['All'],
      MessageSystemAttributeNames: ['SentTimestamp'],
    };
    const [ours, theirs] = await this.#messages('deadUrl', input);
    const of = (messages: readonly SqsAnswer[]) =>
      messages.map((message) => plain(message, ['SentTimestamp']));
    expect(of(ours)).toEqual(of(theirs));
    if (ours.length > 0) this.#saw('dead');
  }

  async #delete(receipt: Receipt, inBatch: boolean): Promise<void> {
    await this.#both(inBatch ? 'DeleteMessageBatch' : 'DeleteMessage', (side) => {
      const ReceiptHandle = receipt[side];
      return inBatch ? { Entries: [{ Id: 'a', ReceiptHandle }] } : { ReceiptHandle };
    });
    this.#saw(receipt.powerless ? 'powerless' : 'deleted');
    receipt.powerless = true;
  }

  async #hide(receipt: Receipt, VisibilityTimeout: number, inBatch: boolean): Promise<void> {
    const operation = inBatch ? 'ChangeMessageVisibilityBatch' : 'ChangeMessageVisibility';
    const input = (side: 'ours' | 'theirs') => {
      const entry = { ReceiptHandle: receipt[side], VisibilityTimeout };
      return inBatch ? { Entries: [{ Id: 'a', ...entry }] } : entry;
    };
    await this.#both(operation, input, ['Message', 'Code']);
    this.#saw(receipt.powerless ? 'powerless' : 'hidden');
    if (!receipt.powerless) receipt.hiddenUntil = this.#options.now() + VisibilityTimeout * 1000;
  }

  async #count(): Promise<void> {
    if (this.#timeHasPassed) return;
    const kinds = ['', 'NotVisible', 'Delayed'].map((kind) => `ApproximateNumberOfMessages${kind}`);
    await this.#both('GetQueueAttributes', () => ({ AttributeNames: kinds }));
    this.#saw('counted');
  }

  async #err(nth: number): Promise<void> {
    const [operation, input] = WRONG[nth % WRONG.length] ?? ['none', {}];
    expect(await this.#both(operation, () => input)).toHaveProperty('refused');
    this.#saw('refused');
  }

  /** Returns a receipt whose handle has the same effect on both sides. */
  async #withReceipt(nth: number, act: (receipt: Receipt) => Promise<void>): Promise<void> {
    const now = this.#options.now();
    const usable = this.#receipts.filter(({ powerless, hiddenUntil }) => powerless || hiddenUntil > now);
    const receipt = usable[nth % Math.max(1, usable.length)];
    if (receipt !== undefined) await act(receipt);
  }

  #newBodies(count: number): string[] {
    const first = this.#sent;
    this.#sent = Math.min(MAX_MESSAGES, first + count);
    return Array.from({ length: this.#sent - first }, (_, at) => `message ${first + at}`);
  }

  async #both(
    operation: string,
    input: (side: 'ours' | 'theirs') => object,
    leaveOut: readonly string[] = [],
  ): Promise<SqsAnswer> {
    const { ours, theirs } = this.#options;
    const ask = (side: Side, name: 'ours' | 'theirs') =>
      side.caller.call(operation, { QueueUrl: side.url, ...input(name) });
    const [mine, other] = await Promise.all([ask(ours, 'ours'), ask(theirs, 'theirs')]);
    expect({ operation, ...without(mine, leaveOut) }).toEqual({ operation, ...without(other, leaveOut) });
    return mine;
  }

  /** Returns the messages that both sides returned, sorted by body. */
  async #messages(queue: 'url' | 'deadUrl', input: object): Promise<[SqsAnswer[], SqsAnswer[]]> {
    const ask = async (side: Side) => {
      const { Messages } = await side.caller.call('ReceiveMessage', { QueueUrl: side[queue], ...input });
      const messages: SqsAnswer[] = Array.isArray(Messages) ? Messages : [];
      return messages.toSorted((a, b) => String(a.Body).localeCompare(String(b.Body)));
    };
    return await Promise.all([ask(this.#options.ours), ask(this.#options.theirs)]);
  }

  #saw(what: string): void {
    this.seen.set(what, (this.seen.get(what) ?? 0) + 1);
  }
}

/** Returns a message without the fields that each server generates. */
function plain(message: SqsAnswer, systemAttributes: readonly string[]): object {
  const { Body, MD5OfBody, MessageAttributes, MD5OfMessageAttributes, Attributes } = message;
  const system = systemAttributes.map((name) => [name, Object(Attributes)[name]]);
  return { Body, MD5OfBody, MessageAttributes, MD5OfMessageAttributes, ...Object.fromEntries(system) };
}

function without(answer: SqsAnswer, names: readonly string[]): SqsAnswer {
  return JSON.parse(JSON.stringify(answer, (name, value) => (names.includes(name) ? undefined : value)));
}
