import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ListTargetsByRuleCommand, type Target } from '@aws-sdk/client-eventbridge';
import { describe, expect, it, vi } from 'vitest';
import { EventsEngine } from '../../../local/aws/events/engine.ts';
import {
  bodies,
  client,
  clock,
  event,
  FUNCTION,
  functionFailures,
  invocations,
  put,
  queue,
  ruleFor,
  runEventsEngine,
  sqs,
} from './events-engine-fixture.ts';

runEventsEngine();

const MINUTE = 60_000;

/** Returns what a queue receives for an event with this detail. */
async function received(detail: object, target: Partial<Target>): Promise<unknown> {
  const arn = queue();
  const { source } = await ruleFor([{ ...target, Arn: arn }]);
  await put(event(source, detail));
  return bodies(arn)[0];
}

const transformed = (detail: object, InputTemplate: string, InputPathsMap: Record<string, string> = {}) =>
  received(detail, { InputTransformer: { InputTemplate, InputPathsMap } });

describe('an input transformer', () => {
  const detail = { state: 'done', rows: 3, who: { name: 'A "B"' }, tags: ['x', 'y'], none: null };

  it('inserts values into a string', async () => {
    const paths = { state: '$.detail.state', rows: '$.detail.rows' };
    expect(await transformed(detail, '"<rows> rows are <state>"', paths)).toBe('3 rows are done');
  });

  it('inserts values into an object, with quotes where JSON needs them', async () => {
    const paths = {
      state: '$.detail.state',
      rows: '$.detail.rows',
      who: '$.detail.who',
      tags: '$.detail.tags',
    };
    const template = '{"state": <state>, "rows": <rows>, "in": {"who": <who>}, "tags": <tags>}';
    expect(await transformed(detail, template, paths)).toEqual({
      state: 'done',
      rows: 3,
      in: { who: { name: 'A "B"' } },
      tags: ['x', 'y'],
    });
  });

  it('inserts values into the strings of an object', async () => {
    const paths = { state: '$.detail.state', name: '$.detail.who.name' };
    expect(await transformed(detail, '{"path": "jobs/<state>/<name>", "raw": "\\"x\\""}', paths)).toEqual({
      path: 'jobs/done/A "B"',
      raw: '"x"',
    });
  });

  it('takes one element of an array', async () => {
    expect(await transformed(detail, '{"tag": <tag>}', { tag: '$.detail.tags[1]' })).toEqual({ tag: 'y' });
  });

  it('inserts an empty string for a missing value', async () => {
    const paths = { gone: '$.detail.gone.further' };
    expect(await transformed(detail, '{"a": <gone>, "b": "x<gone>y"}', paths)).toEqual({ a: '', b: 'xy' });
  });

  it('removes the quotes of an object within a string', async () => {
    expect(await transformed({ who: { name: 'A' } }, '"is <who>"', { who: '$.detail.who' })).toBe(
      'is {name:A}',
    );
  });

  it('has reserved variables for the event, the rule and the time', async () => {
    const arn = queue();
    const InputTemplate =
      '{"event": <aws.events.event.json>, "head": <aws.events.event>, "rule": "<aws.events.rule-name>", ' +
      '"arn": <aws.events.rule-arn>, "at": <aws.events.event.ingestion-time>}';
    const { source, Rule } = await ruleFor([{ Arn: arn, InputTransformer: { InputTemplate } }]);
    await put(event(source, { a: 1 }));
    const [body] = bodies(arn);
    expect(body).toMatchObject({
      event: { source, detail: { a: 1 } },
      head: { source },
      rule: Rule,
      arn: `arn:aws:events:us-east-1:000000000000:rule/${Rule}`,
      at: new Date(clock.now()).toISOString(),
    });
    expect(body).not.toHaveProperty('head.detail');
  });

  it('is listed as it was set', async () => {
    const given = { InputPathsMap: { a: '$.detail.a' }, InputTemplate: '{"a": <a>}' };
    const RetryPolicy = { MaximumRetryAttempts: 7, MaximumEventAgeInSeconds: 3600 };
    const { Rule } = await ruleFor([{ Arn: queue(), InputTransformer: given, RetryPolicy }]);
    const { Targets } = await client.send(new ListTargetsByRuleCommand({ Rule }));
    expect(Targets).toMatchObject([{ InputTransformer: given, RetryPolicy }]);
  });
});

it('an input path takes one element of an array', async () => {
  expect(await received({ tags: [{ a: 1 }, { a: 2 }] }, { InputPath: '$.detail.tags[1].a' })).toBe(2);
});

describe('a target that fails', () => {
  /** Creates a rule with a failing function. Returns the final message in its dead-letter queue. */
  async function failing(RetryPolicy: Target['RetryPolicy']) {
    const dead = queue();
    const { source } = await ruleFor([{ Arn: FUNCTION, DeadLetterConfig: { Arn: dead }, RetryPolicy }]);
    invocations.length = 0;
    functionFailures.left = Number.POSITIVE_INFINITY;
    await put(event(source));
    let message = sqs.queues.receive(dead, 1)[0];
    const hasGivenUp = () => {
      clock.advance(MINUTE / 2); // until then, it is retried as often as allowed
      message ??= sqs.queues.receive(dead, 1)[0];
      return message !== undefined;
    };
    await vi.waitUntil(hasGivenUp, { timeout: 20_000, interval: 10 });
    functionFailures.left = 0;
    const text = (name: string) => message?.messageAttributes[name]?.StringValue;
    return {
      invocations: invocations.length,
      retries: text('RETRY_ATTEMPTS'),
      exhausted: text('EXHAUSTED_RETRY_CONDITION'),
    };
  }

  it('is retried as often as its policy says', async () => {
    expect(await failing({ MaximumRetryAttempts: 1 })).toEqual({
      invocations: 2,
      retries: '1',
      exhausted: 'MaximumRetryAttempts',
    });
  });

  it('is retried no more often than Lambda would', async () => {
    expect(await failing({ MaximumRetryAttempts: 185 })).toMatchObject({ invocations: 3, retries: '2' });
  });

  it('is not retried if its event is older than its policy allows', async () => {
    // The second retry would be two minutes after the first one, which is after one minute.
    expect(await failing({ MaximumEventAgeInSeconds: 120 })).toEqual({
      invocations: 2,
      retries: '1',
      exhausted: 'MaximumEventAgeInSeconds',
    });
  });

  it('is still retried if its event is exactly as old as its policy allows', async () => {
    expect(await failing({ MaximumEventAgeInSeconds: 180 })).toMatchObject({ invocations: 3 });
  });

  it('permanently is not retried, and its message has the reason and no retries', async () => {
    const dead = queue();
    const nowhere = 'arn:aws:sqs:us-east-1:000000000000:nowhere';
    const RetryPolicy = { MaximumRetryAttempts: 9 };
    const { source } = await ruleFor([{ Arn: nowhere, DeadLetterConfig: { Arn: dead }, RetryPolicy }]);
    await put(event(source));
    await vi.waitUntil(() => sqs.queues.counts(sqs.queues.byArn(dead)).visible === 1, 20_000);
    const [message] = sqs.queues.receive(dead, 1);
    expect(message?.messageAttributes).toMatchObject({ RETRY_ATTEMPTS: { StringValue: '0' } });
    expect(message?.messageAttributes).not.toHaveProperty('EXHAUSTED_RETRY_CONDITION');
  });
});

it('the events of a data directory that is older than the age limit feature are delivered and retried', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'batchdrop-events-old-'));
  const old = new DatabaseSync(join(directory, 'events.sqlite'));
  old.exec(`
    CREATE TABLE deliveries (
      seq INTEGER PRIMARY KEY AUTOINCREMENT, rule_arn TEXT NOT NULL, target TEXT NOT NULL, payload TEXT NOT NULL,
      tries INTEGER NOT NULL, due_at INTEGER NOT NULL
    ) STRICT;
    INSERT INTO deliveries VALUES (1, 'rule', '{"id":"x","arn":"${FUNCTION}","retries":2}', '{"a":1}', 0, ${clock.now()});
  `);
  old.close();
  const heard: unknown[] = [];
  const engine = new EventsEngine({
    directory,
    clock,
    sendToQueue: () => {},
    invokeLambda: async (_arn, payload) => {
      heard.push(payload);
      if (heard.length === 1) throw new Error('not yet');
    },
    report: () => {},
  });
  engine.start();
  const isHeardAgain = () => {
    clock.advance(MINUTE);
    return heard.length === 2;
  };
  await vi.waitUntil(isHeardAgain, { timeout: 20_000, interval: 10 });
  await engine.close();
  rmSync(directory, { recursive: true });
  expect(heard).toEqual([{ a: 1 }, { a: 1 }]);
});
