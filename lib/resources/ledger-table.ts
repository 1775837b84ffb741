import { RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, BillingMode, ProjectionType, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';

/** The name of the sparse index of all unfinished items. */
const DUE_INDEX = 'due';

// DynamoDB uses the key on behalf of its caller. The actions are explicit, because the CDK's grant has wildcards.
const USE_KEY = [
  'kms:Decrypt',
  'kms:DescribeKey',
  'kms:Encrypt',
  'kms:GenerateDataKey',
  'kms:ReEncryptFrom',
  'kms:ReEncryptTo',
];

/** The table with the state of every job, part and batch. */
export class LedgerTable extends Construct {
  readonly table: Table;

  constructor(
    scope: Construct,
    id: string,
    props: { removalPolicy: RemovalPolicy; encryptionKey: IKey | undefined },
  ) {
    super(scope, id);
    this.table = new Table(this, 'Table', {
      partitionKey: { name: 'pk', type: AttributeType.STRING },
      sortKey: { name: 'sk', type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      ...(props.encryptionKey && {
        encryption: TableEncryption.CUSTOMER_MANAGED,
        encryptionKey: props.encryptionKey,
      }),
      timeToLiveAttribute: 'ttl',
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      // Deletion protection would make the deletion of the stack fail.
      deletionProtection: props.removalPolicy !== RemovalPolicy.DESTROY,
      removalPolicy: props.removalPolicy,
    });
    this.#addIndexes();
  }

  #addIndexes(): void {
    this.table.addGlobalSecondaryIndex({
      indexName: DUE_INDEX,
      partitionKey: { name: 'dueShard', type: AttributeType.STRING },
      sortKey: { name: 'dueAt', type: AttributeType.NUMBER },
      // The keys identify the job and the part. POLL needs only `openBatch` to observe a batch and `waits` to admit a
      // part. The CLI shows `stalled`.
      projectionType: ProjectionType.INCLUDE,
      nonKeyAttributes: ['openBatch', 'waits', 'stalled'],
    });
    // People use the next two indexes: the CLI lists jobs by time, and finds a job by the first characters of its id.
    this.table.addGlobalSecondaryIndex({
      indexName: 'jobs',
      partitionKey: { name: 'jobShard', type: AttributeType.STRING },
      sortKey: { name: 'jobTime', type: AttributeType.STRING },
      // One map, so that a list can show more fields without a new index.
      projectionType: ProjectionType.INCLUDE,
      nonKeyAttributes: ['summary'],
    });
    this.table.addGlobalSecondaryIndex({
      indexName: 'job-ids',
      partitionKey: { name: 'jobIdPrefix', type: AttributeType.STRING },
      sortKey: { name: 'pk', type: AttributeType.STRING },
      projectionType: ProjectionType.KEYS_ONLY,
    });
  }

  /**
   * Grants reading items and compare-and-sets. The actions are explicit, because the CDK's grants include all indexes
   * and wildcards.
   */
  grantRecord(grantee: IGrantable): void {
    this.table.encryptionKey?.grant(grantee, ...USE_KEY);
    this.#grantOnItems(grantee, ['dynamodb:GetItem', 'dynamodb:PutItem']);
  }

  /** Grants writing items, without reading any. */
  grantWriteItems(grantee: IGrantable): void {
    this.table.encryptionKey?.grant(grantee, ...USE_KEY);
    this.#grantOnItems(grantee, ['dynamodb:PutItem']);
  }

  /** Grants listing the parts and batches of a job. */
  grantListOfJob(grantee: IGrantable): void {
    this.#grantOnItems(grantee, ['dynamodb:Query']);
  }

  /** Grants querying due items. */
  grantFindDue(grantee: IGrantable): void {
    Grant.addToPrincipal({
      grantee,
      actions: ['dynamodb:Query'],
      resourceArns: [`${this.table.tableArn}/index/${DUE_INDEX}`],
    });
  }

  #grantOnItems(grantee: IGrantable, actions: string[]): void {
    Grant.addToPrincipal({ grantee, actions, resourceArns: [this.table.tableArn] });
  }
}
