import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { synthesizedStack } from '../../../bin/up/synthesis.ts';
import { decide, type Policies } from '../../../local/aws/iam/decision.ts';
import { readAssembly } from '../../../local/runtime/template/assembly.ts';
import { parseTemplate } from '../../../local/runtime/template/parse-template.ts';
import { chatRows } from '../../local/endpoint/chat-rows.ts';
import { RecordedRuntime } from '../../local/iam/recorded-runtime.ts';
import { permissionsOf, withoutStatement } from '../../local/iam/single-permissions.ts';

/** A template as JSON, which tests change. */
interface Spoilt {
  readonly Resources: Record<string, { Type: string; Properties: Properties }>;
}

/** The CloudFormation properties that the tests change. */
interface Properties {
  EventSourceArn?: unknown;
  VisibilityTimeout?: number;
  Environment?: { Variables: Record<string, unknown> };
  PolicyDocument?: { Statement: Statement[] };
  AssumeRolePolicyDocument?: { Statement: Statement[] };
  [other: string]: unknown;
}

interface Statement {
  Effect: string;
  Action?: string | string[];
  [other: string]: unknown;
}

let sound: string;
const rooms: string[] = [];

beforeAll(async () => {
  sound = await synthesizedStack();
});

afterEach(() => {
  for (const path of rooms.splice(0)) rmSync(path, { recursive: true, force: true });
});

function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'batchdrop-wiring-'));
  rooms.push(path);
  return path;
}

/** Returns the assembly with a changed template. */
function assemblyWith(fault: (template: Spoilt) => void): string {
  const directory = join(temporaryDirectory(), 'assembly');
  cpSync(sound, directory, { recursive: true });
  const file = join(directory, 'Batchdrop.template.json');
  const template: Spoilt = JSON.parse(readFileSync(file, 'utf8'));
  fault(template);
  writeFileSync(file, JSON.stringify(template));
  return directory;
}

/** Returns the error of a start with the assembly. Throws if it starts. */
async function startError(assembly: string): Promise<string> {
  let runtime: RecordedRuntime;
  try {
    runtime = await RecordedRuntime.start(assembly);
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause);
  }
  await runtime.close();
  throw new Error('it started');
}

/** Returns the only resource of a type whose logical id has that prefix. */
function the(template: Spoilt, type: string, id: string): Properties {
  const found = Object.entries(template.Resources).filter(
    ([name, resource]) => resource.Type === `AWS::${type}` && name.startsWith(`Batchdrop${id}`),
  );
  const [only] = found;
  if (only === undefined || found.length > 1) throw new Error(`${found.length} of ${type} ${id}`);
  return only[1].Properties;
}

function dropAction(properties: Properties, action: string): void {
  for (const statement of properties.PolicyDocument?.Statement ?? []) {
    statement.Action = [statement.Action ?? []].flat().filter((name) => name !== action);
  }
  const left = properties.PolicyDocument?.Statement.filter(({ Action }) => Action?.length !== 0);
  properties.PolicyDocument = { Statement: left ?? [] };
}

function dropAllowed(properties: Properties): void {
  const left = properties.PolicyDocument?.Statement.filter(({ Effect }) => Effect !== 'Allow');
  properties.PolicyDocument = { Statement: left ?? [] };
}

const INTAKE_SOURCE =
  'the event source arn:aws:sqs:us-east-1:000000000000:batchdrop-intake-work-queue of batchdrop-intake-worker-function';

describe('npm start fails with the error of AWS if', () => {
  it('a name is missing in the environment of a function', async () => {
    const assembly = assemblyWith((template) => {
      delete the(template, 'Lambda::Function', 'IntakeWorkerFunction').Environment?.Variables.LEDGER_TABLE;
    });
    expect(await startError(assembly)).toBe(
      'batchdrop-intake-worker-function: its init failed: Error: the environment lacks LEDGER_TABLE',
    );
  });

  it('an event source is on the queue of another function', async () => {
    const assembly = assemblyWith((template) => {
      const { EventSourceArn } = the(template, 'Lambda::EventSourceMapping', 'SubmissionWorker');
      the(template, 'Lambda::EventSourceMapping', 'IntakeWorker').EventSourceArn = EventSourceArn;
    });
    const where =
      'the event source arn:aws:sqs:us-east-1:000000000000:batchdrop-submission-work-queue of batchdrop-intake-worker-function';
    expect((await startError(assembly)).split('\n')).toEqual(
      ['ReceiveMessage', 'DeleteMessage', 'GetQueueAttributes'].map(
        (action) =>
          `${where}: The provided execution role does not have permissions to call ${action} on SQS`,
      ),
    );
  });

  it('an event source is on a missing queue', async () => {
    const arn = 'arn:aws:sqs:us-east-1:000000000000:elsewhere';
    const assembly = assemblyWith((template) => {
      the(template, 'Lambda::EventSourceMapping', 'IntakeWorker').EventSourceArn = arn;
    });
    expect(await startError(assembly)).toContain(
      `the event source ${arn} of batchdrop-intake-worker-function: The specified queue does not exist.`,
    );
  });

  it.each(['ReceiveMessage', 'DeleteMessage', 'GetQueueAttributes'])(
    'a function may not call %s on the queue of its event source',
    async (action) => {
      const assembly = assemblyWith((template) =>
        dropAction(the(template, 'IAM::Policy', 'IntakeWorkerRole'), `sqs:${action}`),
      );
      expect(await startError(assembly)).toBe(
        `${INTAKE_SOURCE}: The provided execution role does not have permissions to call ${action} on SQS`,
      );
    },
  );

  it('a message would become visible while its function still processes it', async () => {
    const assembly = assemblyWith((template) => {
      the(template, 'SQS::Queue', 'IntakeWorkQueue').VisibilityTimeout = 30;
    });
    expect(await startError(assembly)).toBe(
      `${INTAKE_SOURCE}: Queue visibility timeout: 30 seconds is less than Function timeout: 600 seconds`,
    );
  });

  it('there are several faults, each of which it reports', async () => {
    const assembly = assemblyWith((template) => {
      for (const id of ['IntakeWorkQueue', 'DeliveryWorkQueue']) {
        the(template, 'SQS::Queue', id).VisibilityTimeout = 30;
      }
    });
    expect((await startError(assembly)).split('\n')).toHaveLength(2);
  });

  it.each([
    ['there is none', undefined],
    ['it is for another rule', 'arn:aws:events:us-east-1:000000000000:rule/other'],
  ])('a rule has a function as its target and, as for the Lambda permission, %s', async (_, sourceArn) => {
    const message = await startError(assemblyWith((template) => addLambdaRule(template, sourceArn)));
    expect(message).toBe(
      'the rule batchdrop-own-rule: User: events.amazonaws.com is not authorized to perform: lambda:InvokeFunction ' +
        'on resource: arn:aws:lambda:us-east-1:000000000000:function:batchdrop-polling-worker-function ' +
        'because no resource-based policy allows the lambda:InvokeFunction action',
    );
  });

  it('that permission is missing, but not if it exists', async () => {
    const assembly = assemblyWith((template) =>
      addLambdaRule(template, { 'Fn::GetAtt': ['OwnRule', 'Arn'] }),
    );
    await expect(startError(assembly)).rejects.toThrow('it started');
  });

  it.each([
    ['IntakeWorkQueuePolicy', 'batchdrop-intake-work-queue'],
    ['IntakeUndeliveredPolicy', 'batchdrop-intake-undelivered'],
  ])('a rule may not send to a queue: %s', async (policy, queue) => {
    const assembly = assemblyWith((template) => dropAllowed(the(template, 'SQS::QueuePolicy', policy)));
    expect(await startError(assembly)).toBe(
      'the rule batchdrop-intake-object-created: User: events.amazonaws.com is not authorized to perform: ' +
        `sqs:SendMessage on resource: arn:aws:sqs:us-east-1:000000000000:${queue} ` +
        'because no resource-based policy allows the sqs:SendMessage action',
    );
  });

  it('the schedule may not invoke its target', async () => {
    const assembly = assemblyWith((template) => dropAllowed(the(template, 'IAM::Policy', 'PollingTickRole')));
    expect(await startError(assembly)).toContain('is not authorized to perform: lambda:InvokeFunction on');
  });

  it('the access logs of buckets cannot be written', async () => {
    const assembly = assemblyWith((template) =>
      dropAllowed(the(template, 'S3::BucketPolicy', 'BucketsAccessLogs')),
    );
    expect((await startError(assembly)).split('\n').map((line) => line.split(':')[0])).toEqual([
      'the access logs of batchdrop-buckets-requests',
      'the access logs of batchdrop-buckets-results',
    ]);
  });

  it.each(['Intake', 'Submission', 'Polling', 'Delivery', 'Cancellation', 'Approval'])(
    'Lambda may not assume the role of %s',
    async (id) => {
      const assembly = assemblyWith((template) => {
        the(template, 'IAM::Role', `${id}WorkerRole`).AssumeRolePolicyDocument = { Statement: [] };
      });
      expect(await startError(assembly)).toBe(
        `batchdrop-${id.toLowerCase()}-worker-function: The role defined for the function cannot be assumed by Lambda.`,
      );
    },
  );

  it('Scheduler may not assume the role of the schedule', async () => {
    const assembly = assemblyWith((template) => {
      the(template, 'IAM::Role', 'PollingTickRole').AssumeRolePolicyDocument = { Statement: [] };
    });
    expect(await startError(assembly)).toBe(
      'batchdrop-polling-tick: The execution role you provide must allow AWS EventBridge Scheduler to assume the role.',
    );
  });

  it.each([
    [{ Condition: { IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } } }, 'has the condition operator IpAddress'],
    [
      { Condition: { StringEquals: { 'aws:PrincipalTag/a': 'b' } } },
      'has the condition key aws:PrincipalTag/a',
    ],
    [{ NotResource: '*' }, 'has NotResource'],
    [{ Resource: `arn:aws:s3:::a/\${aws:username}` }, 'has a policy variable in'],
  ])('a policy has an unsupported part: %j', async (more, message) => {
    const assembly = assemblyWith((template) => {
      const [statement] = the(template, 'IAM::Policy', 'IntakeWorkerRole').PolicyDocument?.Statement ?? [];
      Object.assign(statement ?? {}, more);
    });
    expect(await startError(assembly)).toMatch(
      new RegExp(
        `^Batchdrop/BatchdropIntakeWorkerFunction\\w+ \\(AWS::Lambda::Function\\): in the policies of its role: BatchdropIntakeWorkerRoleDefaultPolicy\\w+\\.Statement\\[0\\] ${message}.* which the local runtime does not support\\.$`,
        'm',
      ),
    );
  });
});

/** Adds a rule with a function as its target, and the permission for `sourceArn`. */
function addLambdaRule({ Resources }: Spoilt, sourceArn: unknown): void {
  const [id = ''] = Object.keys(Resources).filter((name) =>
    name.startsWith('BatchdropPollingWorkerFunction'),
  );
  const Arn = { 'Fn::GetAtt': [id, 'Arn'] };
  Resources.OwnRule = {
    Type: 'AWS::Events::Rule',
    Properties: { EventPattern: { source: ['own'] }, Targets: [{ Id: 'T', Arn }] },
  };
  if (sourceArn === undefined) return;
  Resources.OwnPermission = {
    Type: 'AWS::Lambda::Permission',
    Properties: {
      FunctionName: Arn,
      Action: 'lambda:InvokeFunction',
      Principal: 'events.amazonaws.com',
      SourceArn: sourceArn,
    },
  };
}

describe('the policies of the template', () => {
  it('deny plain http to every queue and bucket, by exactly one statement each', () => {
    const { policies, queues, buckets } = parseTemplate(readAssembly(sound), 'http://127.0.0.1:1');
    const denials = [...policies.ofResources].flatMap(([arn, statements]) =>
      statements.filter(({ effect }) => effect === 'Deny').map(({ id }) => ({ arn, id })),
    );
    expect(denials).toHaveLength(queues.length + buckets.length);
    for (const { arn, id } of denials) {
      expect(overHttp(policies, arn), id).toBe('denied explicitly');
      expect(overHttp(withoutStatement(policies, id), arn), id).toBe('allowed');
    }
    expect(permissionsOf(policies).length).toBeGreaterThan(50);
  });

  it('keep a function from writing its log if it has no permission, and the function still works', async () => {
    const runtime = await RecordedRuntime.start(
      assemblyWith((template) => {
        const policy = the(template, 'IAM::Policy', 'IntakeWorkerRole');
        for (const action of ['logs:CreateLogStream', 'logs:PutLogEvents']) dropAction(policy, action);
      }),
    );
    try {
      await runtime.untilJob(await runtime.drop('unlogged.jsonl', chatRows(2, 'unlogged')), 'submitted');
      const logOf = (name: string) =>
        readFileSync(join(runtime.directory, 'logs', `batchdrop-${name}-worker-function.log`), 'utf8');
      await runtime.until('SUBMIT logs', () => logOf('submission') !== '');
      expect(logOf('intake')).toBe('');
    } finally {
      await runtime.close();
    }
  });
});

/** Returns the verdict for a caller with all permissions who uses plain http. */
function overHttp(policies: Policies, arn: string) {
  const everything = {
    id: 'everything',
    effect: 'Allow' as const,
    actions: ['*'],
    resources: ['*'],
    principals: [],
    conditions: [],
  };
  const administrator = { ...policies, ofRoles: new Map([['administrator', [everything]]]) };
  return decide(administrator, {
    principal: { kind: 'role', roleArn: 'administrator', sessionName: 'administrator' },
    action: arn.startsWith('arn:aws:s3') ? 's3:ListBucket' : 'sqs:SendMessage',
    resource: arn,
    context: { 'aws:SecureTransport': 'false' },
  });
}
