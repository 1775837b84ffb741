import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { createDynamoDbLedger } from '../../../functions/shared/adapters/dynamodb/ledger.ts';
import { jobIdOf } from '../../../functions/shared/domain/job-id.ts';
import type { Ledger } from '../../../functions/shared/ports/ports.ts';
import type { AwsEvent } from '../../../local/aws/events/event.ts';
import { Authorizer, type Decision } from '../../../local/aws/iam/authorizer.ts';
import type { Policies } from '../../../local/aws/iam/decision.ts';
import { readAssembly } from '../../../local/runtime/assembly.ts';
import { DataDirectory } from '../../../local/runtime/data-directory.ts';
import { parseTemplate } from '../../../local/runtime/parse-template.ts';
import { identitiesOf, type Runtime, startRuntime } from '../../../local/runtime/runtime.ts';
import type { StackPlan } from '../../../local/runtime/stack-plan.ts';
import { clientConfig } from '../endpoint/client-config.ts';
import { Outsider } from '../endpoint/stock-clients.ts';

const SPEED = 1200; // a tick of the poller in 50 ms of the wall, while nothing computes
const MAX_WAIT_MS = 60_000;

/** A runtime in this process, whose every decision is seen and whose policies can be changed while it runs. */
export class PermissionStage {
  readonly plan: StackPlan;
  readonly decisions: Decision[] = [];
  readonly events: AwsEvent[] = [];
  readonly outsider: Outsider;
  readonly ledger: Ledger;
  readonly directory: string;
  readonly #runtime: Runtime;
  readonly #data: DataDirectory;
  readonly #authorizer: Authorizer;
  readonly #dynamoDb: DynamoDBClient;
  #names = 0;
  #isClosed = false;

  private constructor(parts: {
    runtime: Runtime;
    data: DataDirectory;
    authorizer: Authorizer;
    plan: StackPlan;
    decisions: Decision[];
    events: AwsEvent[];
  }) {
    const { runtime, data } = parts;
    this.plan = parts.plan;
    this.decisions = parts.decisions;
    this.events = parts.events;
    this.directory = data.path;
    this.outsider = new Outsider(runtime.endpoints);
    this.#runtime = runtime;
    this.#data = data;
    this.#authorizer = parts.authorizer;
    const { url: endpoint, ledgerTable: tableName } = runtime.endpoints;
    this.#dynamoDb = new DynamoDBClient(clientConfig(endpoint));
    this.ledger = createDynamoDbLedger({ client: this.#dynamoDb, tableName, clock: runtime.clock });
  }

  static async start(assemblyDirectory: string): Promise<PermissionStage> {
    const authorizer = new Authorizer();
    const decisions: Decision[] = [];
    const events: AwsEvent[] = [];
    authorizer.listen((decision) => decisions.push(decision));
    const data = new DataDirectory(mkdtempSync(join(tmpdir(), 'batchdrop-permissions-')), 'local');
    try {
      const runtime = await startRuntime({
        data,
        assemblyDirectory,
        authorizer,
        port: 0,
        speed: SPEED,
        api: { kind: 'local' },
        onEvent: (event) => events.push(event),
        onProblem: () => {}, // refusals are what this is about
      });
      const plan = parseTemplate(readAssembly(assemblyDirectory), runtime.endpoints.url);
      return new PermissionStage({ runtime, data, authorizer, plan, decisions, events });
    } catch (cause) {
      discard(data);
      throw cause;
    }
  }

  get names() {
    return this.#runtime.endpoints;
  }

  /** From now on these policies hold. */
  enforce(policies: Policies): void {
    this.#authorizer.enforce(policies, identitiesOf(this.plan), () => undefined);
  }

  /** A name that no file had yet: the same bytes under the same key would join. */
  newName(kind: string): string {
    this.#names += 1;
    return `${kind}-${this.#names}`;
  }

  /** Puts a request file; answers its job id. */
  async drop(key: string, content: string): Promise<string> {
    return this.jobIdOf(key, await this.outsider.put(key, content));
  }

  jobIdOf(key: string, versionId: string): string {
    return jobIdOf({ bucket: this.names.requestBucket, key, versionId });
  }

  /** Until the job's event of that status is heard. */
  async untilJob(jobId: string, status: string): Promise<void> {
    await this.until(`job ${jobId} is ${status}`, () => this.hasEvent('Job Status Change', jobId, status));
  }

  hasEvent(kind: string, jobId: string, status: string): boolean {
    return this.events.some(({ 'detail-type': type, detail }) => {
      const { metadata, data } = Object(detail);
      return type.endsWith(kind) && metadata?.jobId === jobId && data?.status === status;
    });
  }

  /** Until a function asks for that action, from now on. */
  async untilAsked(
    stageName: string,
    action: string,
    isAbout: (resource: string) => boolean = () => true,
  ): Promise<void> {
    const before = this.decisions.length;
    await this.until(`${stageName} asks for ${action}`, () =>
      this.decisions
        .slice(before)
        .some(
          ({ request }) =>
            request.action === action &&
            isAbout(request.resource) &&
            request.principal.kind === 'role' &&
            request.principal.sessionName.includes(`-${stageName}-`),
        ),
    );
  }

  async send(queue: string, message: object): Promise<void> {
    const QueueUrl = queue.startsWith('http') ? queue : `${this.names.url}/000000000000/${queue}`;
    await this.outsider.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify(message) }));
  }

  async until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
    const giveUpAt = performance.now() + MAX_WAIT_MS;
    while (!(await holds())) {
      if (this.#isClosed || performance.now() > giveUpAt) throw new Error(`it never came: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.outsider.close();
    this.#dynamoDb.destroy();
    await this.#runtime.close();
    discard(this.#data);
  }
}

function discard(data: DataDirectory): void {
  data.release();
  rmSync(data.path, { recursive: true, force: true });
}
