import { describe, expect, it } from 'vitest';
import { statementsToAct, statementsToLook } from '../../../bin/console/console-policy.ts';

const names = (queue: string) => ({
  ...{ requestBucket: 'requests', resultsBucket: 'results', resultsPrefix: 'team/', ledgerTable: 'ledger' },
  ...{ cancelQueueUrl: `${queue}/cancel`, eventBus: 'bus', instance: 'Batchdrop.Batchdrop' },
});
const rest = {
  stack: 'Batchdrop',
  secret: 'batchdrop/openai',
  resources: new Map([['PollingTick', 'tick']]),
};

describe('the policy of the console', () => {
  it.each([
    ['https://sqs.eu-west-1.amazonaws.com/123456789012', 'aws:', 'eu-west-1'],
    ['https://sqs.us-gov-west-1.amazonaws.com/123456789012', 'aws-us-gov:', 'us-gov-west-1'],
    ['https://sqs.cn-north-1.amazonaws.com.cn/123456789012', 'aws-cn:', 'cn-north-1'],
  ])('names the resources where %s is', (queue, partition, region) => {
    const all = { names: names(queue), ...rest };
    const resources = [...statementsToLook(all), ...statementsToAct(all)].flatMap(({ Resource }) => Resource);
    expect(resources.filter((arn) => !arn.startsWith(`arn:${partition}`))).toEqual([]);
    const here = `arn:${partition}dynamodb:${region}:123456789012:table/ledger`;
    expect(resources).toEqual(
      expect.arrayContaining([here, `${here}/index/jobs`, `arn:${partition}s3:::results/team/*`]),
    );
  });

  it('reads no secret, and gives a reader nothing that writes', () => {
    const actions = (statements: ReturnType<typeof statementsToAct>) =>
      statements.flatMap(({ Action }) => Action);
    const all = { names: names('https://sqs.eu-west-1.amazonaws.com/123456789012'), ...rest };
    const looking = actions(statementsToLook(all));
    expect(looking.filter((action) => !/:(Get|Query|List|Describe)/.test(action))).toEqual([]);
    expect([...looking, ...actions(statementsToAct(all))]).not.toContain('secretsmanager:GetSecretValue');
    expect(actions(statementsToAct(all))).toEqual(['s3:PutObject', 'sqs:SendMessage']);
    expect([...looking].some((action) => action.includes('*'))).toBe(false);
  });
});
