import type { Context, LambdaFunctionURLEvent, LambdaFunctionURLResult } from 'aws-lambda';
import { createBatchApi } from '../shared/adapters/lambda/compose-batch-api.ts';
import { createQueues } from '../shared/adapters/lambda/compose-queues.ts';
import { createSigningSecrets } from '../shared/adapters/lambda/compose-signing-secrets.ts';
import { createBasics } from '../shared/adapters/lambda/composition.ts';
import { readEnvironment } from '../shared/adapters/lambda/environment.ts';
import { deadlineOf } from '../shared/adapters/lambda/invocation-deadline.ts';
import { isGenuine } from '../shared/adapters/openai/webhook-signature.ts';
import type { WebhookEnv } from './env.ts';
import { createHandler } from './handler.ts';

const env = readEnvironment<WebhookEnv>({
  INSTANCE: true,
  LEDGER_TABLE: true,
  EVENT_BUS_ARN: true,
  RESULTS_BUCKET: true,
  RESULTS_PREFIX: 'optional',
  DELIVER_QUEUE_URL: true,
  OPENAI_SECRET_ID: true,
  OPENAI_BASE_URL: true,
  WEBHOOK_SECRET_ID: true,
});
const basics = createBasics('webhook', env);

const handle = createHandler({
  ...basics,
  queues: createQueues({ deliver: env.DELIVER_QUEUE_URL }),
  api: createBatchApi(env),
  secrets: createSigningSecrets(env),
  isGenuine,
});

export const handler = (event: LambdaFunctionURLEvent, context: Context): Promise<LambdaFunctionURLResult> =>
  basics.metrics.during(async () => {
    const { requestContext, headers, body = '', isBase64Encoded } = event;
    const request = {
      method: requestContext.http.method,
      headers,
      body: Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8'),
    };
    const { status, said } = await handle(request, deadlineOf(context, basics.clock));
    return { statusCode: status, headers: { 'content-type': 'text/plain' }, body: `${said}\n` };
  });
