import { randomUUID } from 'node:crypto';
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { Job } from '../../domain/job.ts';
import type { Admissions, Control, CreateWindow, DueItem, KeyPointer } from '../../domain/ledger-records.ts';
import type { Part, PartRef } from '../../domain/part.ts';
import type { PastAttempts } from '../../domain/spending/past-attempts.ts';
import type { Clock, Ledger } from '../../ports/ports.ts';
import { awsFailure } from '../aws/aws-failure.ts';
import {
  admissionsAttributes,
  batchPointerAttributes,
  controlAttributes,
  createWindowAttributes,
  dueShardName,
  earlyEndAttributes,
  itemIn,
  jobAttributes,
  keyPointerAttributes,
  type LedgerAttributes,
  lastWebhookAttributes,
  openBatchIn,
  partAttributes,
  pastAttributes,
  waitingPartIn,
} from './ledger-attributes.ts';
import { ledgerCall, queriedPages } from './ledger-call.ts';
import {
  ADMISSIONS_KEY,
  asItemKey,
  batchPointerKey,
  CONTROL_KEY,
  CREATES_KEY,
  dueItemAt,
  earlyEndKey,
  jobKey,
  keyPointerKey,
  LAST_WEBHOOK_KEY,
  type LedgerKey,
  partKey,
  partsPrefix,
  pastKey,
} from './ledger-keys.ts';
import { isFailedCondition, type TableCalls } from './table-calls.ts';

const DUE_INDEX = 'due';

/** The ledger as a DynamoDB table with `pk`/`sk` and the sparse index `due` (`dueShard`, `dueAt`; with `openBatch` and `waits`). */
export function createDynamoDbLedger(options: {
  calls: TableCalls;
  tableName: string;
  clock: Clock;
}): Ledger {
  return new DynamoDbLedger(options.calls, options.tableName, options.clock);
}

class DynamoDbLedger implements Ledger {
  readonly #calls: TableCalls;
  readonly #table: string;
  readonly #clock: Clock;

  constructor(calls: TableCalls, table: string, clock: Clock) {
    this.#calls = calls;
    this.#table = table;
    this.#clock = clock;
  }

  readJob(jobId: string): Promise<Job | undefined> {
    return this.#read<Job>(jobKey(jobId));
  }

  createJob(job: Job): Promise<boolean> {
    return this.#create(jobKey(job.jobId), jobAttributes(job));
  }

  replaceJob(job: Job): Promise<boolean> {
    return this.#replace(jobKey(job.jobId), jobAttributes({ ...job, version: job.version + 1 }), job.version);
  }

  readPart(ref: PartRef): Promise<Part | undefined> {
    return this.#read<Part>(partKey(ref));
  }

  createPart(part: Part): Promise<boolean> {
    return this.#create(partKey(part), partAttributes(part));
  }

  replacePart(part: Part): Promise<boolean> {
    return this.#replace(partKey(part), partAttributes({ ...part, version: part.version + 1 }), part.version);
  }

  readPast(ref: PartRef, page: number): Promise<PastAttempts | undefined> {
    return this.#read<PastAttempts>(pastKey(ref, page));
  }

  createPast(past: PastAttempts): Promise<boolean> {
    return this.#create(pastKey(past, past.page), pastAttributes(past));
  }

  replacePast(past: PastAttempts): Promise<boolean> {
    const next = { ...past, version: past.version + 1 };
    return this.#replace(pastKey(past, past.page), pastAttributes(next), past.version);
  }

  async partsOf(jobId: string, planId?: string): Promise<Part[]> {
    const parts: Part[] = [];
    const pages = queriedPages(this.#calls, `read the parts of job ${jobId}`, {
      TableName: this.#table,
      ConsistentRead: true,
      KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
      ExpressionAttributeValues: { ':pk': { S: jobKey(jobId).pk }, ':prefix': { S: partsPrefix(planId) } },
    });
    for await (const page of pages) {
      for (const attributes of page) {
        const part = itemIn<Part>(attributes, this.#clock.now());
        if (part !== undefined) parts.push(part);
      }
    }
    return parts;
  }

  readBatchPointer(batchId: string): Promise<PartRef | undefined> {
    return this.#read<PartRef>(batchPointerKey(batchId));
  }

  async putBatchPointer(batchId: string, ref: PartRef, expiresAt?: number): Promise<void> {
    await ledgerCall(`point batch ${batchId} to its part`, () =>
      this.#calls.putItem({
        TableName: this.#table,
        Item: { ...asItemKey(batchPointerKey(batchId)), ...batchPointerAttributes(ref, expiresAt) },
      }),
    );
  }

  async readEarlyEnd(batchId: string): Promise<number | undefined> {
    return (await this.#read<{ at: number }>(earlyEndKey(batchId)))?.at;
  }

  async noteEarlyEnd(batchId: string, at: number, expiresAt: number): Promise<void> {
    await ledgerCall(`note the end of batch ${batchId}`, () =>
      this.#calls.putItem({
        TableName: this.#table,
        Item: { ...asItemKey(earlyEndKey(batchId)), ...earlyEndAttributes(at, expiresAt) },
      }),
    );
  }

  async readLastWebhook(): Promise<number | undefined> {
    return (await this.#read<{ at: number }>(LAST_WEBHOOK_KEY))?.at;
  }

  async noteWebhook(at: number): Promise<void> {
    await ledgerCall('note that a webhook came', () =>
      this.#calls.putItem({
        TableName: this.#table,
        Item: { ...asItemKey(LAST_WEBHOOK_KEY), ...lastWebhookAttributes(at) },
      }),
    );
  }

  readKeyPointer(bucket: string, key: string): Promise<KeyPointer | undefined> {
    return this.#read<KeyPointer>(keyPointerKey(bucket, key));
  }

  replaceKeyPointer(pointer: KeyPointer): Promise<boolean> {
    const attributes = keyPointerAttributes({ ...pointer, version: pointer.version + 1 });
    return this.#put(keyPointerKey(pointer.bucket, pointer.key), attributes, pointer.version);
  }

  async readControl(): Promise<Control> {
    return (await this.#read<Control>(CONTROL_KEY)) ?? { version: 0, paused: false };
  }

  replaceControl(control: Control): Promise<boolean> {
    const attributes = controlAttributes({ ...control, version: control.version + 1 });
    return this.#put(CONTROL_KEY, attributes, control.version);
  }

  async readAdmissions(): Promise<Admissions> {
    return (await this.#read<Admissions>(ADMISSIONS_KEY)) ?? { version: 0, admitted: [], measured: {} };
  }

  replaceAdmissions(admissions: Admissions): Promise<boolean> {
    const attributes = admissionsAttributes({ ...admissions, version: admissions.version + 1 });
    return this.#put(ADMISSIONS_KEY, attributes, admissions.version);
  }

  async readCreateWindow(): Promise<CreateWindow> {
    return (await this.#read<CreateWindow>(CREATES_KEY)) ?? { version: 0, minutes: [] };
  }

  replaceCreateWindow(window: CreateWindow): Promise<boolean> {
    const attributes = createWindowAttributes({ ...window, version: window.version + 1 });
    return this.#put(CREATES_KEY, attributes, window.version);
  }

  async due(shard: number, before: number, limit: number): Promise<DueItem[]> {
    const found: DueItem[] = [];
    const pages = queriedPages(this.#calls, `query the due items of shard ${shard}`, {
      TableName: this.#table,
      IndexName: DUE_INDEX,
      KeyConditionExpression: 'dueShard = :shard AND dueAt <= :before',
      ExpressionAttributeValues: { ':shard': { S: dueShardName(shard) }, ':before': { N: String(before) } },
      Limit: limit,
    });
    for await (const page of pages) {
      for (const attributes of page) {
        const item = dueItemIn(attributes);
        if (item !== undefined) found.push(item);
      }
      if (found.length >= limit) break;
    }
    return found.slice(0, limit);
  }

  async #read<T>(key: LedgerKey): Promise<T | undefined> {
    const attributes = await this.#attributes(key);
    return attributes === undefined ? undefined : itemIn<T>(attributes, this.#clock.now());
  }

  async #attributes(key: LedgerKey): Promise<Record<string, AttributeValue> | undefined> {
    const answer = await ledgerCall(`read ${key.pk} ${key.sk}`, () =>
      this.#calls.getItem({ TableName: this.#table, Key: asItemKey(key), ConsistentRead: true }),
    );
    return answer.Item;
  }

  #put(key: LedgerKey, attributes: LedgerAttributes, version: number): Promise<boolean> {
    return version === 0 ? this.#create(key, attributes) : this.#replace(key, attributes, version);
  }

  #create(key: LedgerKey, attributes: LedgerAttributes): Promise<boolean> {
    return this.#write(key, attributes, 'attribute_not_exists(pk) OR expiresAt <= :now', {
      ':now': { N: String(this.#clock.now()) },
    });
  }

  #replace(key: LedgerKey, attributes: LedgerAttributes, version: number): Promise<boolean> {
    return this.#write(key, attributes, 'version = :version', { ':version': { N: String(version) } });
  }

  /**
   * Each write has an id. If the SDK repeats a write whose response was lost, the repetition must not look like a
   * conflict.
   */
  async #write(
    key: LedgerKey,
    attributes: LedgerAttributes,
    condition: string,
    values: Record<string, AttributeValue>,
  ): Promise<boolean> {
    const writeId = randomUUID();
    try {
      await this.#calls.putItem({
        TableName: this.#table,
        Item: { ...asItemKey(key), ...attributes, writeId: { S: writeId } },
        ConditionExpression: condition,
        ExpressionAttributeValues: values,
      });
      return true;
    } catch (error) {
      if (!isFailedCondition(error)) {
        throw awsFailure(`write ${key.pk} ${key.sk}`, error);
      }
      return (await this.#attributes(key))?.writeId?.S === writeId;
    }
  }
}

function dueItemIn(attributes: Record<string, AttributeValue>): DueItem | undefined {
  const item = dueItemAt({ pk: attributes.pk?.S ?? '', sk: attributes.sk?.S ?? '' });
  if (item?.kind !== 'part') return item;
  const open = openBatchIn(attributes);
  const waits = waitingPartIn(attributes);
  return { ...item, ...(open ? { open } : {}), ...(waits ? { waits } : {}) };
}
