import { App } from 'aws-cdk-lib';
import cdkJson from '../cdk.json' with { type: 'json' };
import { BatchdropStack } from '../lib/batchdrop-stack.ts';
import { choicesOf } from '../lib/context.ts';

// Pass the feature flags of cdk.json, because `npm start` runs this file without the CDK CLI.
const app = new App({ context: cdkJson.context });
new BatchdropStack(app, 'Batchdrop', choicesOf(app.node));
app.synth();
