import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { synthesizedStack } from '../../../bin/up/synthesis.ts';
import { createDynamoDbLedger } from '../../../functions/shared/adapters/dynamodb/ledger.ts';
import { createSdkTableCalls } from '../../../functions/shared/adapters/dynamodb/sdk-table-calls.ts';
import { jobIdOf } from '../../../functions/shared/domain/job-id.ts';
import type { Ledger } from '../../../functions/shared/ports/ports.ts';
import type { AwsEvent } from '../../../local/aws/events/event.ts';
import { Authorizer, type Decision, type Identity } from '../../../local/aws/iam/authorizer.ts';
import type { Policies } from '../../../local/aws/iam/decision.ts';
import type { Credentials } from '../../../local/aws/iam/signature.ts';
import { parseStatements, type Statement } from '../../../local/aws/iam/statement.ts';
import { LOCAL_ACCOUNT } from '../../../local/aws/protocol/aws-service.ts';
import type { BatchApiChoice } from '../../../local/runtime/batch-api.ts';
import { DataDirectory } from '../../../local/runtime/data-directory.ts';
import { identitiesOf, type Runtime, startRuntime } from '../../../local/runtime/runtime.ts';
import { readAssembly } from '../../../local/runtime/template/assembly.ts';
import { parseTemplate } from '../../../local/runtime/template/parse-template.ts';
import type { StackPlan } from '../../../local/runtime/template/stack-plan.ts';
import { clientConfig } from '../endpoint/client-config.ts';
import { UserProgram } from '../endpoint/user-program.ts';

const SPEED = 1200; // a tick of POLL in 50 ms of wall time, while nothing computes
const MAX_WAIT_MS = 60_000;

interface RecordedOptions {
  /** How much faster than the wall clock it runs. */
  readonly speed?: number;
  /** By default, the built-in server. */
  readonly api?: BatchApiChoice;
  /** Receives each event when it arrives. */
  readonly onEvent?: (event: AwsEvent) => void;
}

/** A runtime in this process. It records every permission decision, and its policies can be changed while it runs. */
export class RecordedRuntime {
  readonly plan: StackPlan;
  readonly decisions: Decision[] = [];
  readonly events: AwsEvent[] = [];
  readonly user: UserProgram;
  readonly ledger: Ledger;
  readonly directory: string;
  readonly #runtime: Runtime;
  readonly #data: DataDirectory;
  readonly #authorizer: Authorizer;
  readonly #dynamoDb: DynamoDBClient;
  readonly #watchers = new Set<(decision: Decision) => void>();
  readonly #userPolicies = new Map<string, readonly Statement[]>();
  readonly #userIdentities: Identity[] = [];
  #users = 0;
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
    parts.authorizer.listen((decision) => {
      for (const watch of this.#watchers) watch(decision);
    });
    this.directory = data.path;
    this.user = new UserProgram(runtime.endpoints);
    this.#runtime = runtime;
    this.#data = data;
    this.#authorizer = parts.authorizer;
    const { url: endpoint, ledgerTable: tableName } = runtime.endpoints;
    this.#dynamoDb = new DynamoDBClient(clientConfig(endpoint));
    this.ledger = createDynamoDbLedger({
      calls: createSdkTableCalls(this.#dynamoDb),
      tableName,
      clock: runtime.clock,
    });
  }

  static async start(
    assemblyDirectory: string,
    { speed = SPEED, api = { kind: 'local' }, onEvent = () => {} }: RecordedOptions = {},
  ): Promise<RecordedRuntime> {
    const authorizer = new Authorizer();
    const decisions: Decision[] = [];
    const events: AwsEvent[] = [];
    authorizer.listen((decision) => decisions.push(decision));
    const data = new DataDirectory(mkdtempSync(join(tmpdir(), 'batchdrop-permissions-')), api.kind);
    try {
      const runtime = await startRuntime({
        data,
        assemblyDirectory,
        authorizer,
        port: 0,
        speed,
        api,
        onEvent: (event) => {
          events.push(event);
          onEvent(event);
        },
        onProblem: () => {}, // denied calls are expected
      });
      const plan = parseTemplate(readAssembly(assemblyDirectory), runtime.endpoints.url);
      return new RecordedRuntime({ runtime, data, authorizer, plan, decisions, events });
    } catch (cause) {
      discard(data);
      throw cause;
    }
  }

  get names() {
    return this.#runtime.endpoints;
  }

  /** Enforces these policies from now on. */
  enforce(policies: Policies): void {
    this.#authorizer.enforce(policies, identitiesOf(this.plan), () => undefined);
  }

  /** Returns the credentials of a new user of the account who has this policy only. */
  addUser(policy: object): Credentials {
    this.#users += 1;
    const name = `user-${this.#users}`;
    const roleArn = `arn:aws:iam::${LOCAL_ACCOUNT}:role/${name}`;
    this.#userPolicies.set(roleArn, parseStatements(policy, name));
    this.#userIdentities.push({ accessKeyId: name, roleArn, sessionName: name });
    const { policies } = this.plan;
    const identities = [...identitiesOf(this.plan), ...this.#userIdentities];
    const ofRoles = new Map([...policies.ofRoles, ...this.#userPolicies]);
    this.#authorizer.enforce({ ...policies, ofRoles }, identities, () => undefined);
    return this.#authorizer.credentialsOf(name);
  }

  /** Returns an unused file name, because the same bytes with the same key would join an earlier job. */
  newName(kind: string): string {
    this.#names += 1;
    return `${kind}-${this.#names}`;
  }

  /** Uploads a request file. Returns its job id. */
  async drop(key: string, content: string): Promise<string> {
    return this.jobIdOf(key, await this.user.put(key, content));
  }

  jobIdOf(key: string, versionId: string): string {
    return jobIdOf({ bucket: this.names.requestBucket, key, versionId });
  }

  /** Waits for the job's event with that status. */
  async untilJob(jobId: string, status: string): Promise<void> {
    await this.until(`job ${jobId} is ${status}`, () => this.hasEvent('Job Status Change', jobId, status));
  }

  hasEvent(kind: string, jobId: string, status: string): boolean {
    return this.events.some(({ 'detail-type': type, detail }) => {
      const { metadata, data } = Object(detail);
      return type.endsWith(kind) && metadata?.jobId === jobId && data?.status === status;
    });
  }

  /** Waits until a function requests that action. */
  async untilAsked(
    stageName: string,
    action: string,
    isAbout: (resource: string) => boolean = () => true,
  ): Promise<void> {
    const before = this.decisions.length;
    await this.until(`${stageName} asks for ${action}`, () =>
      this.hasAsked(stageName, action, before, isAbout),
    );
  }

  /** Returns whether a function has requested that action since there were this many decisions. */
  hasAsked(
    stageName: string,
    action: string,
    before: number,
    isAbout: (resource: string) => boolean = () => true,
  ): boolean {
    return this.decisions
      .slice(before)
      .some(
        ({ request }) =>
          request.action === action &&
          isAbout(request.resource) &&
          request.principal.kind === 'role' &&
          request.principal.sessionName.includes(`-${stageName}-`),
      );
  }

  /** Calls `then` at the function's first request for that action, before the call is carried out. */
  onceAsked(
    stageName: string,
    action: string,
    isAbout: (resource: string) => boolean,
    then: () => void,
  ): void {
    const watch = ({ request: { principal, action: asked, resource } }: Decision): void => {
      if (asked !== action || !isAbout(resource) || principal.kind !== 'role') return;
      if (!principal.sessionName.includes(`-${stageName}-`)) return;
      this.#watchers.delete(watch);
      then();
    };
    this.#watchers.add(watch);
  }

  async send(queue: string, message: object): Promise<void> {
    const QueueUrl = queue.startsWith('http') ? queue : `${this.names.url}/000000000000/${queue}`;
    await this.user.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify(message) }));
  }

  async until(what: string, holds: () => boolean | Promise<boolean>, maxWaitMs = MAX_WAIT_MS): Promise<void> {
    const giveUpAt = performance.now() + maxWaitMs;
    while (!(await holds())) {
      if (this.#isClosed || performance.now() > giveUpAt) throw new Error(`timed out waiting for: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.user.close();
    this.#dynamoDb.destroy();
    await this.#runtime.close();
    discard(this.#data);
  }
}

const INTAKE_SECONDS = 60; // INTAKE stops reading a minute before its time-out, so after its first chunk

/** Returns a folder with the synthesized stack, changed so that INTAKE reads one chunk of a file in each invocation. */
export async function stackWithShortIntake(): Promise<string> {
  const assemblyDirectory = mkdtempSync(join(tmpdir(), 'batchdrop-assembly-'));
  cpSync(await synthesizedStack({ context: { webhook: 'yes' } }), assemblyDirectory, { recursive: true });
  const name = readdirSync(assemblyDirectory).find((file) => file.endsWith('.template.json'));
  const path = join(assemblyDirectory, name ?? '');
  const template = JSON.parse(readFileSync(path, 'utf8'));
  const [intake] = Object.entries(template.Resources).filter(([id]) => /IntakeWorkerFunction/.test(id));
  Object.assign(Object(intake?.[1]).Properties, { Timeout: INTAKE_SECONDS });
  writeFileSync(path, JSON.stringify(template));
  return assemblyDirectory;
}

function discard(data: DataDirectory): void {
  data.release();
  rmSync(data.path, { recursive: true, force: true });
}
