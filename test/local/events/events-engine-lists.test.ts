import {
  ListEventBusesCommand,
  ListRulesCommand,
  ListTargetsByRuleCommand,
} from '@aws-sdk/client-eventbridge';
import { describe, expect, it } from 'vitest';
import { client, events, FUNCTION, ruleFor, runEventsEngine } from './events-engine-fixture.ts';

runEventsEngine();

interface Page {
  readonly names: readonly (string | undefined)[];
  readonly next: string | undefined;
}

/** Returns every page in order. */
async function pages(read: (token: string | undefined) => Promise<Page>) {
  const all: (readonly (string | undefined)[])[] = [];
  let token: string | undefined;
  do {
    const { names, next } = await read(token);
    all.push(names);
    token = next;
  } while (token !== undefined && all.length < 20);
  return all;
}

const rulesOf = (NamePrefix: string, Limit: number) => async (NextToken: string | undefined) => {
  const answer = await client.send(new ListRulesCommand({ NamePrefix, Limit, NextToken }));
  return { names: answer.Rules?.map((rule) => rule.Name) ?? [], next: answer.NextToken };
};

function putRules(...names: string[]) {
  for (const name of names)
    events.rules.putRule({ bus: 'default', name, pattern: { source: ['x'] }, enabled: true });
}

describe('a list', () => {
  it('of rules has pages of the requested size, with each rule once', async () => {
    putRules('page-c', 'page-a', 'page-e', 'page-b', 'page-d', 'other');
    expect(await pages(rulesOf('page-', 2))).toEqual([
      ['page-a', 'page-b'],
      ['page-c', 'page-d'],
      ['page-e'],
    ]);
    expect(await pages(rulesOf('page-', 5))).toEqual([['page-a', 'page-b', 'page-c', 'page-d', 'page-e']]);
  });

  it('continues after the last entry if a rule is added or deleted in between', async () => {
    putRules('moving-b', 'moving-c', 'moving-d');
    const read = rulesOf('moving-', 2);
    const { next } = await read(undefined);
    putRules('moving-a');
    events.rules.deleteRule('default', 'moving-c');
    expect(await read(next)).toEqual({ names: ['moving-d'], next: undefined });
  });

  it('of targets has pages', async () => {
    const { Rule } = await ruleFor(Array.from({ length: 5 }, () => ({ Arn: FUNCTION })));
    const read = async (NextToken: string | undefined) => {
      const answer = await client.send(new ListTargetsByRuleCommand({ Rule, Limit: 3, NextToken }));
      return { names: answer.Targets?.map((target) => target.Id) ?? [], next: answer.NextToken };
    };
    expect(await pages(read)).toEqual([
      ['t0', 't1', 't2'],
      ['t3', 't4'],
    ]);
  });

  it('of buses has pages', async () => {
    for (const name of ['team-a', 'team-b', 'team-c']) events.rules.createBus(name);
    const read = async (NextToken: string | undefined) => {
      const answer = await client.send(
        new ListEventBusesCommand({ NamePrefix: 'team-', Limit: 2, NextToken }),
      );
      return { names: answer.EventBuses?.map((bus) => bus.Name) ?? [], next: answer.NextToken };
    };
    expect(await pages(read)).toEqual([['team-a', 'team-b'], ['team-c']]);
  });

  it.each([{ Limit: 0 }, { Limit: 101 }, { NextToken: 'mine' }])('fails with %o', async (fields) => {
    await expect(client.send(new ListRulesCommand(fields))).rejects.toThrow(
      expect.objectContaining({ name: 'ValidationException' }),
    );
  });
});
