/**
 * The permissions that each operation needs: action and resource, per service. An operation that is not listed needs an
 * action of its own name on every resource. No role has that, so functions cannot call operations that are not listed.
 */
import { LOCAL_ACCOUNT, LOCAL_REGION } from '../protocol/aws-service.ts';
import type { Input } from '../protocol/input.ts';
import { parseCopySource } from '../s3/wire/copy-source.ts';
import type { S3Request } from '../s3/wire/request.ts';
import { secretArn, secretArnOf } from '../secretsmanager/secret-arn.ts';
import { queueArn } from '../sqs/queue.ts';
import type { Need } from './caller.ts';

type NeedsOf<Call> = (call: Call, operation: string) => Need[];

const here = `${LOCAL_REGION}:${LOCAL_ACCOUNT}`;

const onQueue =
  (action: string): NeedsOf<Input> =>
  (input) => {
    const name = input.optionalText('QueueUrl') ?? input.optionalText('QueueName') ?? '';
    return [{ action, resource: queueArn(name.slice(name.lastIndexOf('/') + 1)) }];
  };

const onRule =
  (action: string, field: 'Name' | 'Rule'): NeedsOf<Input> =>
  (input) => {
    const bus = busName(input);
    const rule = input.optionalText(field) ?? '';
    return [
      { action, resource: `arn:aws:events:${here}:rule/${bus === 'default' ? rule : `${bus}/${rule}`}` },
    ];
  };

const onTable: NeedsOf<Input> = (input, operation) => {
  const table = tableArn(input.optionalText('TableName') ?? '');
  const index = input.optionalText('IndexName');
  return [
    { action: `dynamodb:${operation}`, resource: index === undefined ? table : `${table}/index/${index}` },
  ];
};

const onTables: NeedsOf<Input> = (input, operation) =>
  (input.optionalObject('RequestItems')?.names() ?? []).map((name) => ({
    action: `dynamodb:${operation}`,
    resource: tableArn(name),
  }));

const onSecret: NeedsOf<Input> = (input, operation) => {
  const name = input.optionalText('Name');
  const resource = name === undefined ? secretArnOf(input.optionalText('SecretId') ?? '') : secretArn(name);
  return [{ action: `secretsmanager:${operation}`, resource }];
};

/** By the service's signing name, then by operation. */
const JSON_SERVICES: Readonly<Record<string, Readonly<Record<string, NeedsOf<Input>>>>> = {
  sqs: {
    ChangeMessageVisibility: onQueue('sqs:ChangeMessageVisibility'),
    ChangeMessageVisibilityBatch: onQueue('sqs:ChangeMessageVisibility'),
    CreateQueue: onQueue('sqs:CreateQueue'),
    DeleteMessage: onQueue('sqs:DeleteMessage'),
    DeleteMessageBatch: onQueue('sqs:DeleteMessage'),
    DeleteQueue: onQueue('sqs:DeleteQueue'),
    GetQueueAttributes: onQueue('sqs:GetQueueAttributes'),
    GetQueueUrl: onQueue('sqs:GetQueueUrl'),
    PurgeQueue: onQueue('sqs:PurgeQueue'),
    ReceiveMessage: onQueue('sqs:ReceiveMessage'),
    SendMessage: onQueue('sqs:SendMessage'),
    SendMessageBatch: onQueue('sqs:SendMessage'),
    SetQueueAttributes: onQueue('sqs:SetQueueAttributes'),
  },
  events: {
    PutEvents: (input) => {
      const buses = new Set(input.objects('Entries').map(busName));
      return [...buses].map((bus) => ({ action: 'events:PutEvents', resource: busArn(bus) }));
    },
    DeleteRule: onRule('events:DeleteRule', 'Name'),
    DescribeRule: onRule('events:DescribeRule', 'Name'),
    DisableRule: onRule('events:DisableRule', 'Name'),
    EnableRule: onRule('events:EnableRule', 'Name'),
    ListTargetsByRule: onRule('events:ListTargetsByRule', 'Rule'),
    PutRule: onRule('events:PutRule', 'Name'),
    PutTargets: onRule('events:PutTargets', 'Rule'),
    RemoveTargets: onRule('events:RemoveTargets', 'Rule'),
  },
  dynamodb: {
    BatchGetItem: onTables,
    BatchWriteItem: onTables,
    DeleteItem: onTable,
    DescribeTable: onTable,
    GetItem: onTable,
    PutItem: onTable,
    Query: onTable,
    Scan: onTable,
    UpdateItem: onTable,
  },
  secretsmanager: {
    CreateSecret: onSecret,
    DeleteSecret: onSecret,
    DescribeSecret: onSecret,
    GetSecretValue: onSecret,
    PutSecretValue: onSecret,
  },
};

const onObject =
  (action: string): NeedsOf<S3Request> =>
  ({ bucket, key }) => [{ action, resource: objectArn(bucket, key) }];

const onBucket =
  (action: string): NeedsOf<S3Request> =>
  ({ bucket }) => [{ action, resource: bucketArn(bucket) }];

const copying: NeedsOf<S3Request> = (request) => {
  const { bucket = '', key = '', versionId } = parseCopySource(request) ?? {};
  return [
    readOf(bucket, key, versionId),
    { action: 's3:PutObject', resource: objectArn(request.bucket, request.key) },
  ];
};

const reading: NeedsOf<S3Request> = ({ bucket, key, query }) => [readOf(bucket, key, query.get('versionId'))];

/** A write with tags also needs the permission to tag. */
const writing: NeedsOf<S3Request> = ({ bucket, key, headers }) => {
  const resource = objectArn(bucket, key);
  const tags = headers.has('x-amz-tagging') ? [{ action: 's3:PutObjectTagging', resource }] : [];
  return [{ action: 's3:PutObject', resource }, ...tags];
};

/** The tags of a given version need another permission than those of the newest version. */
const tagging =
  (verb: 'Get' | 'Put'): NeedsOf<S3Request> =>
  ({ bucket, key, query }) => [
    {
      action: query.has('versionId') ? `s3:${verb}ObjectVersionTagging` : `s3:${verb}ObjectTagging`,
      resource: objectArn(bucket, key),
    },
  ];

const S3: Readonly<Record<string, NeedsOf<S3Request>>> = {
  AbortMultipartUpload: onObject('s3:AbortMultipartUpload'),
  CompleteMultipartUpload: onObject('s3:PutObject'),
  CopyObject: copying,
  CreateMultipartUpload: writing,
  DeleteBucket: onBucket('s3:DeleteBucket'),
  DeleteObject: ({ bucket, key, query }) => [neededToDelete(bucket, key, query.get('versionId'))],
  DeleteObjects: () => [], // checked per key with `neededToDelete`: one denied key does not stop the others
  GetBucketLocation: onBucket('s3:GetBucketLocation'),
  GetBucketNotificationConfiguration: onBucket('s3:GetBucketNotification'),
  GetBucketVersioning: onBucket('s3:GetBucketVersioning'),
  GetObject: reading,
  GetObjectTagging: tagging('Get'),
  HeadBucket: onBucket('s3:ListBucket'),
  HeadObject: reading,
  ListBuckets: () => [{ action: 's3:ListAllMyBuckets', resource: '*' }],
  ListMultipartUploads: onBucket('s3:ListBucketMultipartUploads'),
  ListObjectVersions: onBucket('s3:ListBucketVersions'),
  ListObjectsV2: onBucket('s3:ListBucket'),
  ListParts: onObject('s3:ListMultipartUploadParts'),
  PutObject: writing,
  PutObjectTagging: tagging('Put'),
  UploadPart: onObject('s3:PutObject'),
  UploadPartCopy: copying,
};

/** Returns the permissions that an operation of an AWS JSON service needs. */
export function neededForJson(service: string, operation: string, input: Input): Need[] {
  const needs = JSON_SERVICES[service]?.[operation];
  return needs?.(input, operation) ?? [{ action: `${service}:${operation}`, resource: '*' }];
}

/** Returns the permissions that an S3 operation needs. */
export function neededForS3(operation: string, request: S3Request): Need[] {
  return S3[operation]?.(request, operation) ?? [{ action: `s3:${operation}`, resource: '*' }];
}

/** Returns the permission to delete one object or version. */
export function neededToDelete(bucket: string, key: string, versionId: string | undefined): Need {
  const action = versionId === undefined ? 's3:DeleteObject' : 's3:DeleteObjectVersion';
  return { action, resource: objectArn(bucket, key) };
}

/** Returns the permission to learn that an object is missing. Without it, S3 returns 403 instead of 404. */
export function neededToReportAbsence(request: S3Request): Need {
  const { bucket } = parseCopySource(request) ?? request;
  return { action: 's3:ListBucket', resource: bucketArn(bucket) };
}

/** Reading a given version needs another permission than reading the newest one. Neither includes the other. */
function readOf(bucket: string, key: string, versionId: string | undefined): Need {
  const action = versionId === undefined ? 's3:GetObject' : 's3:GetObjectVersion';
  return { action, resource: objectArn(bucket, key) };
}

const bucketArn = (bucket: string): string => `arn:aws:s3:::${bucket}`;

const objectArn = (bucket: string, key: string): string => `arn:aws:s3:::${bucket}/${key}`;

const tableArn = (name: string): string =>
  name.startsWith('arn:') ? name : `arn:aws:dynamodb:${here}:table/${name}`;

const busArn = (name: string): string => `arn:aws:events:${here}:event-bus/${name}`;

/** `EventBusName` is a name or an ARN. */
function busName(input: Input): string {
  const given = input.optionalText('EventBusName') ?? 'default';
  return given.slice(given.lastIndexOf('/') + 1);
}
