/** The same protocol, another vendor: Groq, whose batches may take up to a week, with a key of its own. */
import { App, Duration, Stack } from 'aws-cdk-lib';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Batchdrop } from 'batchdrop';

const stack = new Stack(new App(), 'AnotherVendor');
new Batchdrop(stack, 'Groq', {
  baseUrl: 'https://api.groq.com/openai/v1',
  apiKeySecret: Secret.fromSecretNameV2(stack, 'GroqKey', 'batchdrop/groq'),
  completionWindow: '7d',
  pollInterval: Duration.minutes(5), // a week leaves time
});
// Beside it, under a name of its own: the two share nothing.
new Batchdrop(stack, 'OpenAi');
