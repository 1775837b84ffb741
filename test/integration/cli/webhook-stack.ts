import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import OpenAI from 'openai';
import { type Connection, connect } from '../../../bin/connection/connection.ts';
import { synthesizedStack } from '../../../bin/up/synthesis.ts';
import { openDynamoDbLedger } from '../../../functions/shared/adapters/dynamodb/open-ledger.ts';
import { createOpenAiBatchApi } from '../../../functions/shared/adapters/openai/batch-api.ts';
import { createSecretSigningSecrets } from '../../../functions/shared/adapters/openai/signing-secrets.ts';
import { isGenuine } from '../../../functions/shared/adapters/openai/webhook-signature.ts';
import { createHandler } from '../../../functions/webhook/handler.ts';
import type { Stack } from '../../../local/aws/cloudformation/engine.ts';
import { Authorizer } from '../../../local/aws/iam/authorizer.ts';
import { type Endpoint, startEndpoint } from '../../../local/aws/protocol/endpoint.ts';
import { VirtualClock } from '../../../local/clock.ts';
import { type BatchApiOptions, type BatchApiServer, startBatchApi } from '../../../local/openai/server.ts';
import { Engines } from '../../../local/runtime/engines.ts';
import { identitiesOf } from '../../../local/runtime/runtime.ts';
import { readAssembly } from '../../../local/runtime/template/assembly.ts';
import { parseTemplate } from '../../../local/runtime/template/parse-template.ts';
import type { AppPlan } from '../../../local/runtime/template/stack-plan.ts';
import { createRecordingBus } from '../../fakes/recording-bus.ts';
import { createRecordingLog } from '../../fakes/recording-log.ts';
import { createRecordingMetrics } from '../../fakes/recording-metrics.ts';
import { createRecordingQueues } from '../../fakes/recording-queues.ts';
import { clientConfig } from '../../local/endpoint/client-config.ts';
import { batchdrop } from '../child-runtime.ts';

const NAME = 'Batchdrop';
export const API_KEY = 'sk-of-the-project';
export const WEBHOOK_SECRET = 'batchdrop/webhook';

/**
 * A deployed stack with webhooks: all AWS resources on an endpoint of its own, a Batch API server, and WEBHOOK at the
 * stack's URL. No other function runs.
 */
export class WebhookStack {
  readonly engines: Engines;
  readonly authorizer: Authorizer;
  readonly url: string;
  /** The official client, as the owner of the project. */
  readonly openai: OpenAI;
  /** The status with which the URL responds instead of WEBHOOK. */
  answersWith: number | undefined;
  readonly #clock: VirtualClock;
  readonly #endpoint: Endpoint;
  readonly #api: BatchApiServer;
  readonly #function: Server;
  readonly #directory: string;
  #outputs: Record<string, string> = {};
  #plan: AppPlan | undefined;
  #described: Stack | undefined;
  readonly #closing: (() => void)[] = [];
  #webhook: ReturnType<typeof createHandler> | undefined;

  private constructor(parts: {
    clock: VirtualClock;
    engines: Engines;
    authorizer: Authorizer;
    endpoint: Endpoint;
    api: BatchApiServer;
    server: Server;
    directory: string;
  }) {
    this.engines = parts.engines;
    this.authorizer = parts.authorizer;
    this.#clock = parts.clock;
    this.#endpoint = parts.endpoint;
    this.#api = parts.api;
    this.#function = parts.server;
    this.#directory = parts.directory;
    this.url = `http://127.0.0.1:${Object(parts.server.address()).port}/`;
    this.openai = new OpenAI({ apiKey: API_KEY, baseURL: parts.api.url, maxRetries: 0 });
  }

  static async open(options: Pick<BatchApiOptions, 'profile'> = {}): Promise<WebhookStack> {
    const directory = mkdtempSync(join(tmpdir(), 'batchdrop-webhook-'));
    const clock = new VirtualClock();
    const invocations = { invoke: async () => {}, invokeLater: () => {}, report: () => {} };
    const authorizer = new Authorizer();
    const engines = new Engines({ directory, clock, invocations, authorizer });
    const endpoint = await startEndpoint({ services: engines.all, port: 0 });
    const api = await startBatchApi({
      ...options,
      directory: join(directory, 'openai'),
      clock,
      apiKey: API_KEY,
    });
    let stack: WebhookStack | undefined;
    const server = createServer(async (request, response) => {
      const body = await buffer(request);
      const { method = '', headers } = request;
      const status = await stack?.answer({ method, headers: Object(headers), body });
      response.writeHead(status ?? 500).end();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    stack = new WebhookStack({ clock, engines, authorizer, endpoint, api, server, directory });
    await stack.#deploy();
    return stack;
  }

  /** From now on, another instance of WEBHOOK handles the requests. It has read no secret yet. */
  startAnotherInstance(): void {
    const aws = clientConfig(this.#endpoint.url);
    const {
      LedgerTable: tableName = '',
      Instance: instance = '',
      ResultsBucket: resultsBucket = '',
    } = this.#outputs;
    const { ledger, close } = openDynamoDbLedger({ clientConfig: aws, tableName, clock: Date });
    this.#closing.push(close);
    this.#webhook = createHandler({
      ledger,
      bus: createRecordingBus(),
      queues: createRecordingQueues(),
      clock: Date,
      log: createRecordingLog(),
      metrics: createRecordingMetrics(),
      instance,
      resultsBucket,
      api: createOpenAiBatchApi({
        baseUrl: this.#api.url,
        keys: { current: async () => ({ apiKey: API_KEY }), refresh: async () => ({ apiKey: API_KEY }) },
      }),
      secrets: createSecretSigningSecrets({
        secretId: WEBHOOK_SECRET,
        clock: Date,
        clientConfig: aws,
      }),
      isGenuine,
    });
  }

  async answer(request: Parameters<ReturnType<typeof createHandler>>[0]): Promise<number> {
    if (this.answersWith !== undefined) return this.answersWith;
    if (this.#webhook === undefined) this.startAnotherInstance();
    const deadline = { until: Date.now() + 30_000, signal: new AbortController().signal };
    return (await this.#webhook?.(request, deadline))?.status ?? 500;
  }

  /** The resources of its template. */
  get plan(): AppPlan {
    if (this.#plan === undefined) throw new Error('the stack is not deployed');
    return this.#plan;
  }

  /** The stack as CloudFormation describes it. */
  get described(): Stack {
    if (this.#described === undefined) throw new Error('the stack is not deployed');
    return this.#described;
  }

  /** CloudFormation describes it from now on with these values of outputs. */
  describeWith(values: Readonly<Record<string, string>>): void {
    const outputs = this.described.outputs.map((output) => ({
      ...output,
      value: values[output.key] ?? output.value,
    }));
    this.engines.cloudFormation.add({ ...this.described, outputs });
  }

  /** IAM uses these policies of roles from now on; by default, those of the template. */
  enforce(ofRoles = this.plan.policies.ofRoles): void {
    const { queues } = this.engines.sqs;
    this.authorizer.enforce({ ...this.plan.policies, ofRoles }, identitiesOf(this.plan), (arn) =>
      queues.policyOf(arn),
    );
  }

  connect(): Promise<Connection> {
    return connect({ stack: NAME, region: 'us-east-1' });
  }

  /** The environment of a shell in which this endpoint is AWS. */
  get environment(): Record<string, string> {
    return {
      AWS_ENDPOINT_URL: this.#endpoint.url,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'somebody',
      AWS_SECRET_ACCESS_KEY: 'something',
      AWS_EC2_METADATA_DISABLED: 'true',
    };
  }

  cli(...args: string[]) {
    return batchdrop([...args, '--stack', NAME], { env: this.environment });
  }

  /** Returns the endpoints at the API that have the stack's URL. */
  async endpoints() {
    const all = await Array.fromAsync(this.openai.webhooks.list());
    return all.filter(({ url }) => url === this.url);
  }

  async close(): Promise<void> {
    this.#function.close();
    this.#function.closeAllConnections();
    for (const close of this.#closing) close();
    await this.#api.close();
    await this.#endpoint.close();
    await this.engines.close();
    this.#clock.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #deploy(): Promise<void> {
    const assembly = readAssembly(await synthesizedStack({ context: { webhook: 'yes' } }));
    this.#plan = parseTemplate(assembly, this.#endpoint.url);
    await this.engines.apply(this.#plan);
    this.enforce();
    const [described] = this.#plan.stacks;
    if (described === undefined) throw new Error('the app has no stack');
    const values: Record<string, string> = { ApiBaseUrl: this.#api.url, WebhookUrl: this.url };
    const outputs = described.outputs.map((output) => ({
      ...output,
      value: values[output.key] ?? output.value,
    }));
    this.#outputs = Object.fromEntries(outputs.map(({ key, value }) => [key, value]));
    this.#described = { ...described, outputs };
    this.engines.cloudFormation.add(this.#described);
    this.engines.secrets.putSecret('batchdrop/openai', API_KEY);
  }
}
