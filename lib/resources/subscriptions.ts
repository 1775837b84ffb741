import { type IEventBus, type IRuleTarget, Rule } from 'aws-cdk-lib/aws-events';
import type { Construct } from 'constructs';
import {
  BATCH_STATUSES,
  type BatchStatus,
  JOB_STATUSES,
  type JobStatus,
} from '../../functions/shared/contract/batch-status.ts';
import {
  batchStatusPattern,
  jobStatusPattern,
  ofInstance,
} from '../../functions/shared/contract/patterns.ts';
import { refuse } from '../guards/refuse.ts';
import { subscriptionProblems } from '../guards/subscription-problems.ts';

/**
 * The target of a rule.
 * @example { target: new SqsQueue(queue) }
 */
export interface Subscriber {
  /**
   * Target of the rule, such as a queue, a topic or a function.
   * @example new LambdaFunction(reportFunction)
   */
  readonly target: IRuleTarget;
}

/**
 * A subscription to status changes of batches.
 * @example { target: new SqsQueue(queue), status: ['failed', 'expired'] }
 */
export interface BatchStatusSubscription extends Subscriber {
  /**
   * Statuses to match, at least one. For a status that an API adds, write a rule with `batchStatusPattern`.
   * @default - every status
   * @example ['failed', 'expired']
   */
  readonly status?: BatchStatus[] | undefined;
}

/**
 * A subscription to status changes of jobs.
 * @example { target: new SqsQueue(queue), status: ['completed', 'failed'] }
 */
export interface JobStatusSubscription extends Subscriber {
  /**
   * Statuses to match, at least one.
   * @default - every status
   * @example ['completed', 'failed']
   */
  readonly status?: JobStatus[] | undefined;
}

/** The events of one Batchdrop on its bus, which other Batchdrops may share. */
interface OwnEvents {
  readonly eventBus: IEventBus;
  readonly instance: string;
}

const OF_BATCHES = {
  of: 'batches',
  known: BATCH_STATUSES,
  others: JOB_STATUSES,
  method: 'onJobStatusChange',
};
const OF_JOBS = { of: 'jobs', known: JOB_STATUSES, others: BATCH_STATUSES, method: 'onStatusChange' };

/** Creates a rule for status changes of batches. */
export function batchStatusRule(
  scope: Construct,
  id: string,
  { eventBus, instance }: OwnEvents,
  subscription: BatchStatusSubscription,
): Rule {
  refuse(scope, subscriptionProblems(subscription, OF_BATCHES), id);
  const { target, status } = subscription;
  const eventPattern = ofInstance(instance, batchStatusPattern(...(status ?? [])));
  return new Rule(scope, id, { eventBus, eventPattern, targets: [target] });
}

/** Creates a rule for status changes of jobs. */
export function jobStatusRule(
  scope: Construct,
  id: string,
  { eventBus, instance }: OwnEvents,
  subscription: JobStatusSubscription,
): Rule {
  refuse(scope, subscriptionProblems(subscription, OF_JOBS), id);
  const { target, status } = subscription;
  const eventPattern = ofInstance(instance, jobStatusPattern(...(status ?? [])));
  return new Rule(scope, id, { eventBus, eventPattern, targets: [target] });
}
