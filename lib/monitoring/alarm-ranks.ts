/**
 * Every alarm with its tier and its severity. This is the only place that ranks alarms: a new alarm does not compile without
 * a line here, and its section in docs/operations.md must name the same tier and severity.
 *
 * `basic`: what only a person can fix, and what no other alarm of the tier reports within hours; at most 8 alarms.
 * `page`: all users wait, files are lost from sight, or money may be paid twice. Somebody must act now.
 */

/** `page`: act now, also at night. `ticket`: act on the next working day. */
export type Severity = 'page' | 'ticket';

interface Rank {
  /** The lowest tier that has the alarm. */
  tier: 'basic' | 'full';
  severity: Severity;
}

const PAGE_IN_BASIC: Rank = { tier: 'basic', severity: 'page' };
const TICKET_IN_BASIC: Rank = { tier: 'basic', severity: 'ticket' };
const PAGE: Rank = { tier: 'full', severity: 'page' };
const TICKET: Rank = { tier: 'full', severity: 'ticket' };

export const ALARM_RANKS = {
  IntakeDeadLetters: TICKET_IN_BASIC,
  IntakeBacklog: TICKET,
  IntakeErrors: TICKET,
  IntakeThrottles: TICKET,
  SubmitDeadLetters: TICKET,
  SubmitBacklog: TICKET,
  SubmitErrors: TICKET,
  SubmitThrottles: TICKET,
  DeliverDeadLetters: TICKET,
  DeliverBacklog: TICKET,
  DeliverErrors: TICKET,
  DeliverThrottles: TICKET,
  CancelDeadLetters: TICKET,
  CancelBacklog: TICKET,
  CancelErrors: TICKET,
  CancelThrottles: TICKET,
  ApproveDeadLetters: TICKET,
  ApproveBacklog: TICKET,
  ApproveErrors: TICKET,
  ApproveThrottles: TICKET,
  AnswerDeadLetters: TICKET,
  Undelivered: PAGE_IN_BASIC,
  PollErrors: TICKET,
  PollThrottles: TICKET,
  PollHeartbeat: PAGE_IN_BASIC,
  OldestOpenBatch: TICKET,
  WebhookErrors: TICKET,
  WebhookThrottles: TICKET,
  WebhooksSilent: TICKET,
  KeyRefused: PAGE_IN_BASIC,
  AccountRefused: PAGE_IN_BASIC,
  PublishFailures: PAGE,
  SecondBatch: PAGE_IN_BASIC,
  CreateUncertain: PAGE_IN_BASIC,
  Stalled: TICKET_IN_BASIC,
  TriesUsedUp: TICKET,
  ApprovalExpired: TICKET,
  RefusedAlone: TICKET,
  BudgetNear: TICKET,
  BudgetReached: TICKET,
  PriceUnknown: TICKET,
  ResultsWaiting: TICKET,
  ResultsExpiring: TICKET,
  RowsMissing: TICKET,
} satisfies Record<string, Rank>;

/** The id of an alarm: the end of its name, and the heading of its section in docs/operations.md. */
export type AlarmId = keyof typeof ALARM_RANKS;
