/** Batchdrop for Groq, a vendor with the same API, with its own key and a completion window of a week. */
import { App, Duration, Stack } from 'aws-cdk-lib';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Batchdrop } from 'batchdrop';

const stack = new Stack(new App(), 'AnotherVendor');
new Batchdrop(stack, 'Groq', {
  baseUrl: 'https://api.groq.com/openai/v1',
  apiKeySecret: Secret.fromSecretNameV2(stack, 'GroqKey', 'batchdrop/groq'),
  completionWindow: '7d',
  pollInterval: Duration.minutes(5), // often enough for a window of a week
});
// A second Batchdrop in the same stack shares nothing with the first.
new Batchdrop(stack, 'OpenAi');
