import { AwsError, validationError } from '../protocol/aws-error.ts';
import { LOCAL_ACCOUNT, LOCAL_REGION } from '../protocol/aws-service.ts';
import { Input } from '../protocol/input.ts';
import type { AwsEvent } from './event.ts';
import { compilePattern, type EventMatcher } from './patterns/pattern.ts';
import type { EventStore, Rule, Target } from './store.ts';
import { parseTarget } from './target.ts';

/** A rule to create; the pattern is an object or JSON. */
interface RuleDefinition {
  readonly bus: string;
  readonly name: string;
  readonly pattern: object | string;
  readonly enabled: boolean;
  readonly description?: string | undefined;
}

interface Entry {
  readonly rule: Rule;
  readonly matches: EventMatcher;
}

const NAME = /^[A-Za-z0-9._-]{1,64}$/;
const MAX_TARGETS = 5; // AWS's limit per rule

/** Buses with their rules and targets: stored on disk, compiled in memory. */
export class RuleRegistry {
  readonly #store: EventStore;
  /** By bus, then by rule name. */
  readonly #buses = new Map<string, Map<string, Entry>>();

  constructor(store: EventStore) {
    this.#store = store;
    for (const bus of store.buses()) this.#buses.set(bus, new Map());
    for (const rule of store.rules()) this.#hold(rule);
  }

  /** Creates the bus if it does not exist, and returns its ARN. */
  createBus(name: string): string {
    if (!/^[A-Za-z0-9._/-]{1,256}$/.test(name))
      throw validationError(`"${name}" is not a valid name for an event bus.`);
    this.#store.addBus(name);
    if (!this.#buses.has(name)) this.#buses.set(name, new Map());
    return busArn(name);
  }

  buses(): string[] {
    return [...this.#buses.keys()].toSorted();
  }

  hasBus(name: string): boolean {
    return this.#buses.has(name);
  }

  /** Creates or replaces the rule and keeps its targets. Returns its ARN. Throws AWS's error for an invalid rule. */
  putRule(definition: RuleDefinition): string {
    const { bus, name, enabled, description } = definition;
    if (!NAME.test(name)) throw validationError(`"${name}" is not a valid name for a rule.`);
    this.#rulesOf(bus);
    const pattern =
      typeof definition.pattern === 'string' ? definition.pattern : JSON.stringify(definition.pattern);
    const rule: Rule = { bus, name, pattern, enabled, description };
    this.#hold(rule);
    this.#store.saveRule(rule);
    return ruleArn(rule);
  }

  /** Returns the rule; throws ResourceNotFoundException. */
  rule(bus: string, name: string): Rule {
    const entry = this.#rulesOf(bus).get(name);
    if (entry === undefined) throw notFound(`Rule ${name} does not exist on EventBus ${bus}.`);
    return entry.rule;
  }

  rules(bus: string): Rule[] {
    return [...this.#rulesOf(bus).values()]
      .map((entry) => entry.rule)
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Deletes the rule, which must have no targets. A missing rule is not an error. */
  deleteRule(bus: string, name: string): void {
    const rules = this.#rulesOf(bus);
    if (this.#store.targets(bus, name).length > 0) {
      throw validationError("Rule can't be deleted since it has targets.");
    }
    rules.delete(name);
    this.#store.deleteRule(bus, name);
  }

  targets(bus: string, ruleName: string): Target[] {
    const { name } = this.rule(bus, ruleName);
    return this.#store.targets(bus, name);
  }

  /** Adds all targets or none, in the form of PutTargets and CloudFormation. Replaces those with the same ids. */
  putTargets(bus: string, ruleName: string, targets: readonly object[]): void {
    const { name } = this.rule(bus, ruleName);
    const parsed = targets.map((target) => parseTarget(Input.of(target, 'ValidationException')));
    const ids = new Set([...this.#store.targets(bus, name), ...parsed].map((target) => target.id));
    if (ids.size > MAX_TARGETS) {
      throw new AwsError('LimitExceededException', `A rule has at most ${MAX_TARGETS} targets.`);
    }
    for (const target of parsed) this.#store.saveTarget(bus, name, target);
  }

  removeTargets(bus: string, ruleName: string, ids: readonly string[]): void {
    const { name } = this.rule(bus, ruleName);
    for (const id of ids) this.#store.deleteTarget(bus, name, id);
  }

  /** Returns the rules of `bus` that match, each with its targets. */
  matching(bus: string, event: AwsEvent): { ruleArn: string; targets: Target[] }[] {
    return [...this.#rulesOf(bus).values()]
      .filter(({ rule, matches }) => rule.enabled && matches(event))
      .map(({ rule }) => ({ ruleArn: ruleArn(rule), targets: this.#store.targets(bus, rule.name) }));
  }

  #hold(rule: Rule): void {
    this.#rulesOf(rule.bus).set(rule.name, { rule, matches: compilePattern(rule.pattern) });
  }

  #rulesOf(bus: string): Map<string, Entry> {
    const rules = this.#buses.get(bus);
    if (rules === undefined) throw notFound(`Event bus ${bus} does not exist.`);
    return rules;
  }
}

export function busArn(name: string): string {
  return `arn:aws:events:${LOCAL_REGION}:${LOCAL_ACCOUNT}:event-bus/${name}`;
}

export function ruleArn(rule: Rule): string {
  const path = rule.bus === 'default' ? rule.name : `${rule.bus}/${rule.name}`;
  return `arn:aws:events:${LOCAL_REGION}:${LOCAL_ACCOUNT}:rule/${path}`;
}

function notFound(message: string): AwsError {
  return new AwsError('ResourceNotFoundException', message);
}
