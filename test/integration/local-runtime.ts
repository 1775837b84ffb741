import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { connectionTo } from '../../bin/connection/connection.ts';
import { jobIdOf } from '../../functions/shared/domain/job-id.ts';
import type { Credentials } from '../../local/aws/iam/signature.ts';
import { VirtualClock } from '../../local/clock.ts';
import { type AuditEntry, readAudit } from '../../local/openai/audit-log.ts';
import { type BatchApiOptions, startBatchApi } from '../../local/openai/server.ts';
import { readOwnerCredentials } from '../../local/runtime/owner-credentials.ts';
import { type RuntimeEndpoints, readRuntimeEndpoints } from '../../local/runtime/runtime-endpoints.ts';
import { UserProgram } from '../local/endpoint/user-program.ts';
import { openTlsFront, TEST_CA } from '../openai/tls/tls-front.ts';

const PROCESS = fileURLToPath(new URL('cli/cli-real-process.ts', import.meta.url));

const PATIENCE_MS = 120_000; // only what hangs takes so long

/** The only key that its Batch API accepts. */
export const KEY = 'sk-test-behind-tls';

/**
 * A user's machine: a folder in which `batchdrop up --real` stores its data, and a stand-in for the real API over
 * https.
 */
export class LocalRuntime {
  readonly folder: string;
  readonly apiUrl: string;
  readonly #close: () => Promise<void>;
  readonly #running = new Set<RealRun>();

  private constructor(folder: string, apiUrl: string, close: () => Promise<void>) {
    this.folder = folder;
    this.apiUrl = apiUrl;
    this.#close = close;
  }

  static async open(options: Pick<BatchApiOptions, 'faults'> = {}): Promise<LocalRuntime> {
    const folder = mkdtempSync(join(tmpdir(), 'batchdrop-real-'));
    const clock = new VirtualClock({ speed: 600 });
    const api = await startBatchApi({ ...options, directory: join(folder, 'openai'), clock, apiKey: KEY });
    const front = await openTlsFront(api.url);
    return new LocalRuntime(folder, front.url, async () => {
      await front.close();
      await api.close();
      clock.close();
      rmSync(folder, { recursive: true, force: true });
    });
  }

  /** Runs `batchdrop up --real` with these additional options. */
  run(...more: '--yes'[]): RealRun {
    const run = new RealRun(this, more);
    this.#running.add(run);
    return run;
  }

  /** Ends the runs of a failed test, because the data directory serves one run at a time. */
  async endRuns(): Promise<void> {
    for (const run of this.#running) await run.end('SIGKILL');
    this.#running.clear();
  }

  async close(): Promise<void> {
    await this.endRuns();
    await this.#close();
  }

  get names(): RuntimeEndpoints {
    const names = readRuntimeEndpoints(join(this.folder, 'data'));
    if (names === undefined) throw new Error('no runtime is up');
    return names;
  }

  /** The only credentials that its endpoint accepts. */
  get credentials(): Credentials {
    const credentials = readOwnerCredentials(join(this.folder, 'data'));
    if (credentials === undefined) throw new Error('the endpoint accepts any credentials');
    return credentials;
  }

  /** Uploads a request file. Returns its job. */
  async drop(key: string, body: string): Promise<string> {
    const user = new UserProgram(this.names, this.credentials);
    const versionId = await user.put(key, body);
    user.close();
    return jobIdOf({ bucket: this.names.requestBucket, key, versionId });
  }

  /** Waits for this many ticks of POLL, in each of which a file that must wait could have been sent. */
  async untilLooked(times: number): Promise<void> {
    const { ledger, close } = connectionTo(this.names, this.credentials);
    const written = async () => (await ledger.readControl()).version; // at the start and the end of each tick
    const before = await written();
    await expect.poll(written, { timeout: PATIENCE_MS }).toBeGreaterThanOrEqual(before + 2 * times);
    close();
  }

  /** Returns the requests that the API received. */
  asked(event: AuditEntry['event']): AuditEntry[] {
    return readAudit(join(this.folder, 'openai')).filter((entry) => entry.event === event);
  }
}

/** One run, and the answers to its questions. */
class RealRun {
  readonly #child: ChildProcess;
  readonly #questions: string[] = [];
  printed = '';

  constructor({ folder, apiUrl }: LocalRuntime, more: string[]) {
    this.#child = fork(PROCESS, ['data', ...more], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: {
        PATH: process.env.PATH,
        HOME: folder,
        NO_COLOR: '1',
        OPENAI_API_KEY: KEY,
        OPENAI_BASE_URL: apiUrl,
        NODE_EXTRA_CA_CERTS: TEST_CA,
      },
    });
    for (const output of [this.#child.stdout, this.#child.stderr]) {
      output?.on('data', (text) => {
        this.printed += text;
      });
    }
    this.#child.on('message', (message) => this.#questions.push(Object(message).question));
  }

  async untilPrinted(text: string): Promise<void> {
    await expect.poll(() => this.printed, { timeout: PATIENCE_MS, interval: 50 }).toContain(text);
  }

  async untilAsked(): Promise<string> {
    const asked = () => (this.hasAsked ? 'it asked' : this.printed); // a failure then shows what it printed
    await expect.poll(asked, { timeout: PATIENCE_MS, interval: 50 }).toBe('it asked');
    return this.#questions.shift() ?? '';
  }

  get hasAsked(): boolean {
    return this.#questions.length > 0;
  }

  answer(answer: 'yes' | 'no'): void {
    this.#child.send(answer);
  }

  async end(signal: 'SIGKILL' | 'SIGINT'): Promise<void> {
    const { exitCode, signalCode } = this.#child;
    if (exitCode !== null || signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill(signal);
    await ended;
  }
}
