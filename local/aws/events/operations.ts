import { validationError } from '../protocol/aws-error.ts';
import type { Input } from '../protocol/input.ts';
import type { Operation } from '../protocol/json-protocol.ts';
import { pageOf } from '../protocol/paging.ts';
import { type EntryRefusal, type EventContent, entryBytes, parseEntry, refusal } from './event.ts';
import { compilePattern } from './patterns/pattern.ts';
import { busArn, type RuleRegistry, ruleArn } from './rule-registry.ts';
import type { Rule } from './store.ts';
import { wireTarget } from './target.ts';

interface EventPorts {
  readonly rules: RuleRegistry;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Stores an event durably and returns its id. */
  readonly accept: (bus: string, content: EventContent) => string;
}

const MAX_ENTRIES = 10;
const MAX_PAGE = 100;
const MAX_CALL_BYTES = 1024 * 1024;
const EVENT_FIELDS = ['id', 'detail-type', 'source', 'account', 'time', 'region', 'resources', 'detail'];

/** The API's operations. */
export function eventOperations(ports: EventPorts): Record<string, Operation> {
  const { rules } = ports;
  return {
    PutEvents: (input) => putEvents(ports, input),
    PutRule: (input) => ({ RuleArn: putRule(rules, input) }),
    DeleteRule: (input) => {
      rules.deleteRule(busOf(input), input.text('Name'));
      return {};
    },
    DescribeRule: (input) => wireRule(rules.rule(busOf(input), input.text('Name'))),
    ListRules: (input) => {
      const prefix = input.optionalText('NamePrefix') ?? '';
      const found = rules.rules(busOf(input)).filter((rule) => rule.name.startsWith(prefix));
      const { items, ...next } = page(input, found, (rule) => rule.name);
      return { Rules: items.map(wireRule), ...next };
    },
    EnableRule: (input) => setEnabled(rules, input, true),
    DisableRule: (input) => setEnabled(rules, input, false),
    PutTargets: (input) => {
      rules.putTargets(busOf(input), input.text('Rule'), input.plainObjects('Targets'));
      return { FailedEntryCount: 0, FailedEntries: [] };
    },
    RemoveTargets: (input) => {
      rules.removeTargets(busOf(input), input.text('Rule'), input.texts('Ids'));
      return { FailedEntryCount: 0, FailedEntries: [] };
    },
    ListTargetsByRule: (input) => {
      const targets = rules.targets(busOf(input), input.text('Rule'));
      const { items, ...next } = page(input, targets, (target) => target.id);
      return { Targets: items.map(wireTarget), ...next };
    },
    DescribeEventBus: (input) => {
      const name = nameOfBus(input.optionalText('Name'));
      rules.rules(name); // throws if the bus does not exist
      return { Name: name, Arn: busArn(name) };
    },
    ListEventBuses: (input) => {
      const prefix = input.optionalText('NamePrefix') ?? '';
      const names = rules.buses().filter((name) => name.startsWith(prefix));
      const { items, ...next } = page(input, names, (name) => name);
      return { EventBuses: items.map((name) => ({ Name: name, Arn: busArn(name) })), ...next };
    },
    TestEventPattern: (input) => ({
      Result: compilePattern(input.text('EventPattern'))(parseEvent(input.text('Event'))),
    }),
  };
}

/** Returns the page that `Limit` and `NextToken` request, and the response's `NextToken`, if any. */
function page<T>(input: Input, sorted: readonly T[], keyOf: (item: T) => string) {
  const size = input.optionalInteger('Limit') ?? MAX_PAGE;
  if (size < 1 || size > MAX_PAGE) throw validationError(`Limit must be from 1 to ${MAX_PAGE}.`);
  const token = input.optionalText('NextToken');
  const { items, nextToken } = pageOf(sorted, keyOf, { token, size, refuse: validationError });
  return { items, ...(nextToken !== undefined && { NextToken: nextToken }) };
}

/** Handles each entry separately and keeps their order. Throws only for errors that concern the whole call. */
function putEvents(ports: EventPorts, input: Input): object {
  const entries = input.objects('Entries');
  if (entries.length === 0 || entries.length > MAX_ENTRIES) {
    throw validationError(`PutEvents takes 1 to ${MAX_ENTRIES} entries; ${entries.length} were sent.`);
  }
  if (entries.reduce((bytes, entry) => bytes + entryBytes(entry), 0) >= MAX_CALL_BYTES) {
    throw validationError('Total size of the entries in the request is over the limit.');
  }
  const answers = entries.map((entry) => putEvent(ports, entry));
  return { FailedEntryCount: answers.filter((answer) => 'ErrorCode' in answer).length, Entries: answers };
}

function putEvent({ rules, now, accept }: EventPorts, entry: Input): { EventId: string } | EntryRefusal {
  const content = parseEntry(entry, now());
  if ('ErrorCode' in content) return content;
  const bus = busOf(entry);
  if (!rules.hasBus(bus)) return refusal('ResourceNotFoundException', `Event bus ${bus} does not exist.`);
  return { EventId: accept(bus, content) };
}

function putRule(rules: RuleRegistry, input: Input): string {
  if (input.has('ScheduleExpression')) {
    throw validationError('Scheduled rules are not implemented here; EventBridge Scheduler is.');
  }
  return rules.putRule({
    bus: busOf(input),
    name: input.text('Name'),
    pattern: input.text('EventPattern'),
    enabled: stateOf(input),
    description: input.optionalText('Description'),
  });
}

function stateOf(input: Input): boolean {
  const state = input.optionalText('State') ?? 'ENABLED';
  if (state !== 'ENABLED' && state !== 'DISABLED')
    throw validationError(`State ${state} is not implemented here.`);
  return state === 'ENABLED';
}

function setEnabled(rules: RuleRegistry, input: Input, enabled: boolean): object {
  rules.putRule({ ...rules.rule(busOf(input), input.text('Name')), enabled });
  return {};
}

function wireRule(rule: Rule): object {
  return {
    Name: rule.name,
    Arn: ruleArn(rule),
    EventBusName: rule.bus,
    EventPattern: rule.pattern,
    State: rule.enabled ? 'ENABLED' : 'DISABLED',
    ...(rule.description !== undefined && { Description: rule.description }),
  };
}

function busOf(input: Input): string {
  return nameOfBus(input.optionalText('EventBusName'));
}

/** Returns the name of a bus that is given by name or by ARN. */
function nameOfBus(given = 'default'): string {
  const prefix = busArn('');
  return given.startsWith(prefix) ? given.slice(prefix.length) : given;
}

function parseEvent(text: string): object {
  try {
    const event: unknown = JSON.parse(text);
    if (typeof event === 'object' && event !== null && EVENT_FIELDS.every((field) => field in event))
      return event;
  } catch (error) {
    throw validationError(`Event is not JSON: ${error instanceof Error ? error.message : error}`);
  }
  throw validationError(`Event must be an object with ${EVENT_FIELDS.join(', ')}.`);
}
