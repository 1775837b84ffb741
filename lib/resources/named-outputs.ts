import { CfnOutput } from 'aws-cdk-lib';
import { Construct } from 'constructs';

/** What the command line and the local runtime have to know of a Batchdrop. */
interface Things {
  readonly RequestBucket: string;
  readonly ResultsBucket: string;
  readonly CancelQueueUrl: string;
  readonly EventBus: string;
  readonly LedgerTable: string;
  readonly ApiKeySecret: string;
  readonly ApiBaseUrl: string;
}

/** Outputs by which a Batchdrop is found in whatever stack it is. */
export class NamedOutputs extends Construct {
  readonly outputs: CfnOutput[];

  constructor(scope: Construct, id: string, things: Things) {
    super(scope, id);
    this.outputs = Object.entries(things).map(([name, value]) => new CfnOutput(this, name, { value }));
  }
}
