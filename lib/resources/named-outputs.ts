import { CfnOutput } from 'aws-cdk-lib';
import { Construct } from 'constructs';

/** What the CLI and the local runtime need to know about a Batchdrop. */
interface Names {
  readonly RequestBucket: string;
  readonly ResultsBucket: string;
  readonly ResultsPrefix?: string;
  readonly CancelQueueUrl: string;
  readonly ApprovalQueueUrl: string;
  readonly EventBus: string;
  readonly Instance: string;
  readonly LedgerTable: string;
  readonly ApiKeySecret: string;
  readonly ApiBaseUrl: string;
}

/** Stack outputs that identify a Batchdrop in any stack. */
export class NamedOutputs extends Construct {
  readonly outputs: CfnOutput[];

  constructor(scope: Construct, id: string, names: Names) {
    super(scope, id);
    this.outputs = Object.entries(names).map(([name, value]) => new CfnOutput(this, name, { value }));
  }
}
