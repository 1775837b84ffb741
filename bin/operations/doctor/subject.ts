import type { Connection } from '../../connection/connection.ts';
import type { ApiNames } from '../../connection/stack-names.ts';
import type { Verdict } from '../finding.ts';

/** What the checks look at. */
export interface Subject {
  readonly connection: Connection;
  /** Of the API key: a name or an ARN. */
  readonly secret: string;
  /** Absent if the API key must not be read. */
  readonly api: ApiNames | undefined;
  readonly resources: ReadonlyMap<string, string>;
  /** Only what the policy of the console permits: no secrets, no messages, no simulation of policies. */
  readonly onlyLooks: boolean;
}

/**
 * Looks at one thing, and returns what it found and what to do; undefined if this Batchdrop does not have it, and needs not. Errors: any;
 * the doctor prints them.
 */
export type Check = (subject: Subject) => Promise<Verdict | undefined>;

/** A function of a Batchdrop, by the path of its construct. */
export interface Worker {
  readonly name: string;
  readonly path: string;
  /** The path of the queue that feeds it, if one does. */
  readonly queue?: string;
}

/** All functions. A Batchdrop of an older version, without webhooks, or without a `startAndWait` lacks some. */
export const WORKERS: readonly Worker[] = [
  { name: 'INTAKE', path: 'IntakeWorker', queue: 'IntakeWorkQueue' },
  { name: 'SUBMIT', path: 'SubmissionWorker', queue: 'SubmissionWorkQueue' },
  { name: 'POLL', path: 'PollingWorker' },
  { name: 'DELIVER', path: 'DeliveryWorker', queue: 'DeliveryWorkQueue' },
  { name: 'CANCEL', path: 'CancellationWorker', queue: 'CancellationWorkQueue' },
  { name: 'APPROVE', path: 'ApprovalWorker', queue: 'ApprovalWorkQueue' },
  { name: 'WEBHOOK', path: 'WebhooksWorker' },
  { name: 'START', path: 'CallbacksStarter' },
  { name: 'ANSWER', path: 'CallbacksWorker', queue: 'CallbacksWorkQueue' },
];

/** Returns the physical name of the function; undefined if this Batchdrop has none. */
export function functionOf({ resources }: Pick<Subject, 'resources'>, { path }: Worker): string | undefined {
  return resources.get(`${path}Function`);
}

/** Returns the id of the event source mapping between a queue and its function. */
export function mappingOf({ resources }: Pick<Subject, 'resources'>, { path }: Worker): string | undefined {
  return resources.get(`${path}FunctionWork`);
}
