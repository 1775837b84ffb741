import { App } from 'aws-cdk-lib';
import cdkJson from '../cdk.json' with { type: 'json' };
import { BatchdropStack } from '../lib/batchdrop-stack.ts';
import { choicesOf } from '../lib/context.ts';

// The flags of cdk.json are given here as well: `npm start` runs this file without the CDK's CLI.
const app = new App({ context: cdkJson.context });
new BatchdropStack(app, 'Batchdrop', choicesOf(app.node));
app.synth();
