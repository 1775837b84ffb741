import { Annotations, App } from 'aws-cdk-lib';
import cdkJson from '../cdk.json' with { type: 'json' };
import { BatchdropStack } from '../lib/batchdrop-stack.ts';
import { readContext } from '../lib/context.ts';

// Passes the feature flags of cdk.json, because `npm start` runs this file without the CDK CLI.
const app = new App({ context: cdkJson.context });
const { props, unknown } = readContext(app.node);
const stack = new BatchdropStack(app, 'Batchdrop', props);
for (const name of unknown) {
  Annotations.of(stack).addWarningV2(
    'batchdrop:unknownContext',
    `context ${name} is unknown and has no effect.`,
  );
}
app.synth();
