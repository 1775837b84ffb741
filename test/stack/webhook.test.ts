import { Duration, type Stack } from 'aws-cdk-lib';
import { describe, expect, it } from 'vitest';
import type { BatchdropProps } from '../../lib/batchdrop-props.ts';
import { synthesize } from './synthesis.ts';
import { at, legible, permissionsIn, resources } from './template-reading.ts';

const template = synthesize({ webhook: {}, observeInterval: Duration.minutes(15) });
const functionOf = (stage: string) =>
  resources(template, 'AWS::Lambda::Function').find(({ id }) => id === `${stage}WorkerFunction`)?.Properties;

describe('without the prop webhook', () => {
  it('there is no public URL, no sixth function and no rule for ends', () => {
    const plain = synthesize();
    expect(resources(plain, 'AWS::Lambda::Url')).toEqual([]);
    expect(resources(plain, 'AWS::Lambda::Function')).toHaveLength(6);
    expect(resources(plain, 'AWS::Events::Rule')).toHaveLength(1);
    expect(JSON.stringify(plain.toJSON())).not.toMatch(/webhook/i);
  });
});

describe('the URL of WEBHOOK', () => {
  it('is public, and the public may invoke the function only through it', () => {
    const urls = resources(template, 'AWS::Lambda::Url');
    expect(urls.map(({ Properties }) => at(Properties, 'AuthType'))).toEqual(['NONE']);
    const open = resources(template, 'AWS::Lambda::Permission')
      .filter(({ Properties }) => at(Properties, 'Principal') === '*')
      .map(({ Properties }) => ({
        action: at(Properties, 'Action'),
        url: at(Properties, 'FunctionUrlAuthType') ?? at(Properties, 'InvokedViaFunctionUrl'),
        of: legible(at(Properties, 'FunctionName')),
      }));
    expect(open).toEqual([
      { action: 'lambda:InvokeFunctionUrl', url: 'NONE', of: '<WebhooksWorkerFunction.Arn>' },
      { action: 'lambda:InvokeFunction', url: true, of: '<WebhooksWorkerFunction.Arn>' },
    ]);
  });

  it('and the name of its secret are outputs, so that the CLI finds them', () => {
    const outputs = template.findOutputs('*');
    const named = Object.entries(outputs).filter(([id]) => id.includes('Webhook'));
    expect(named.map(([, { Value }]) => legible(Value)).sort()).toEqual([
      '<WebhooksWorkerFunctionFunctionUrl.FunctionUrl>',
      'batchdrop/webhook',
    ]);
  });

  it('handles as many requests at once as the prop says', () => {
    const bounded = synthesize({ webhook: { reservedConcurrency: 5 } });
    const reserved = resources(bounded, 'AWS::Lambda::Function').map(({ Properties }) =>
      at(Properties, 'ReservedConcurrentExecutions'),
    );
    expect(reserved.filter((value) => value !== undefined)).toEqual([5]);
    expect(at(functionOf('Webhooks'), 'ReservedConcurrentExecutions')).toBeUndefined();
  });
});

describe('WEBHOOK', () => {
  it('has the permissions that it uses, and no others', () => {
    const secret = (name: string) =>
      `arn:<AWS::Partition>:secretsmanager:<AWS::Region>:<AWS::AccountId>:secret:${name}-??????`;
    const own = permissionsIn(template).filter(({ role }) => role === '<WebhooksWorkerRole>');
    expect(
      Object.fromEntries(
        Object.entries(Object.groupBy(own, ({ resource }) => resource)).map(([resource, granted = []]) => [
          resource,
          granted.map(({ action }) => action).sort(),
        ]),
      ),
    ).toEqual({
      '<LedgerTable.Arn>': ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:Query'],
      '<StatusEventsBus.Arn>': ['events:PutEvents'],
      [secret('batchdrop/openai')]: ['secretsmanager:GetSecretValue'],
      [secret('batchdrop/webhook')]: ['secretsmanager:GetSecretValue'],
      '<DeliveryWorkQueue.Arn>': ['sqs:SendMessage'],
      '<WebhooksWorkerLogs.Arn>': ['logs:CreateLogStream', 'logs:PutLogEvents'],
    });
  });

  it('alone can read the signing secrets, and its environment has only their name', () => {
    const readers = permissionsIn(template).filter(({ resource }) => resource.includes('batchdrop/webhook'));
    expect(readers.map(({ role }) => role)).toEqual(['<WebhooksWorkerRole>']);
    expect(at(functionOf('Webhooks'), 'Environment', 'Variables', 'WEBHOOK_SECRET_ID')).toBe(
      'batchdrop/webhook',
    );
  });

  it('makes SUBMIT read early ends, and POLL observe all batches at its own interval', () => {
    expect(at(functionOf('Submission'), 'Environment', 'Variables', 'WEBHOOKS')).toBe('on');
    expect(at(functionOf('Polling'), 'Environment', 'Variables', 'WEBHOOKS')).toBe('on');
    expect(at(functionOf('Polling'), 'Environment', 'Variables', 'OBSERVE_INTERVAL')).toBe('900');
  });

  it('causes a tick at each end, which admits the parts that waited for it', () => {
    const rule = resources(template, 'AWS::Events::Rule').find(({ id }) => id.includes('TickAtEnd'));
    expect(at(rule?.Properties, 'EventPattern', 'detail', 'data', 'status')).toEqual([
      'failed',
      'completed',
      'expired',
      'cancelled',
    ]);
    expect(legible(at(rule?.Properties, 'Targets', 0, 'Arn'))).toBe('<PollingWorkerFunction.Arn>');
    expect(at(rule?.Properties, 'Targets', 0, 'RetryPolicy', 'MaximumRetryAttempts')).toBe(0);
  });
});

describe('invalid props', () => {
  it.each<[string, BatchdropProps, string]>([
    ['observeInterval without webhook', { observeInterval: Duration.minutes(15) }, 'set webhook too'],
    [
      'observeInterval below pollInterval',
      { webhook: {}, pollInterval: Duration.minutes(5), observeInterval: Duration.minutes(4) },
      'at least pollInterval',
    ],
    [
      'observeInterval of more than an hour',
      { webhook: {}, observeInterval: Duration.minutes(61) },
      'at most one hour',
    ],
    ['observeInterval of seconds', { webhook: {}, observeInterval: Duration.seconds(90) }, 'whole minutes'],
    ['no concurrency', { webhook: { reservedConcurrency: 0 } }, 'webhook.reservedConcurrency is 0'],
  ])('%s are named', (_, props, said) => {
    expect(() => synthesize((_stack: Stack) => props)).toThrow(said);
  });
});
