import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { synthesizedStack } from '../../bin/up/synthesis.ts';
import { jobIdOf } from '../../functions/shared/domain/job-id.ts';
import { readAudit } from '../../local/openai/audit-log.ts';
import { seededRandom } from '../fakes/seeded-random.ts';
import { type Blows, Disturbances } from './disturbances.ts';
import { EventRecorder, isEnd } from './event-recorder.ts';
import { KillableRuntime } from './killable-runtime.ts';
import { Operator } from './operator.ts';
import { Outside } from './outside.ts';
import { dropFiles } from './user-actions.ts';
import { type Evidence, judge, type RequestFile, type Results } from './verdict.ts';

export interface ChaosOptions {
  readonly jobs: number;
  /** In wall time: how long faults occur. After that, everything gets the time that it needs to end. */
  readonly seconds: number;
  readonly seed: number;
  /** A preset of the Batch API server, or a file with rules. */
  readonly faults: string;
  /** Receives lines that say what happens. */
  readonly tell: (line: string) => void;
}

export interface ChaosReport {
  readonly evidence: Evidence;
  readonly blows: Blows;
  /** How many invocations crashed. */
  readonly invocationsDied: number;
  /** How many parts waited for a person and were adopted or released. */
  readonly stallsEnded: number;
  /** How many requests had each kind of fault. */
  readonly faults: ReadonlyMap<string, number>;
  readonly complaints: readonly string[];
}

const RUNTIME_KILLS_AT = [0.4, 0.75]; // of the time
const SETTLE_SECONDS = 180;

/** Runs real processes, breaks them for a while, lets them settle, and judges the result for every file. */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const directory = mkdtempSync(join(tmpdir(), 'batchdrop-chaos-'));
  const assembly = await synthesizedStack({ context: { webhook: 'yes' } });
  const runtime = new KillableRuntime(directory, assembly, options.seed, options.faults);
  let isEvidence = false;
  try {
    await runtime.start();
    const report = await attack(runtime, options);
    isEvidence = report.complaints.length > 0;
    return report;
  } finally {
    await runtime.kill();
    if (isEvidence) options.tell(`logs, ledger and audit log are left in ${directory}`);
    else rmSync(directory, { recursive: true, force: true });
  }
}

async function attack(runtime: KillableRuntime, options: ChaosOptions): Promise<ChaosReport> {
  const { names } = runtime;
  const outside = new Outside(names);
  const ear = new EventRecorder(outside);
  const operator = new Operator(runtime, ear);
  const watched = { outside, ear, operator, bucket: names.requestBucket };
  try {
    await ear.start(names.eventBus);
    const disturbances = new Disturbances(runtime, outside, ear, seededRandom(options.seed));
    await breakThings(runtime, outside, ear, disturbances, options);
    options.tell('nothing more is broken; waiting until every file has come to its end');
    await settled(watched);
    await disturbances.repeatEverything();
    const complaint = await settled(watched);
    const evidence = await gather(runtime, outside, ear);
    return {
      evidence,
      blows: disturbances.blows,
      invocationsDied: runtime.problems.filter((problem) => /its process ended/.test(problem)).length,
      stallsEnded: operator.stallsEnded,
      faults: faultsIn(evidence),
      complaints: [...judge(evidence), ...complaint],
    };
  } finally {
    await ear.stop();
    outside.close();
  }
}

async function breakThings(
  runtime: KillableRuntime,
  outside: Outside,
  ear: EventRecorder,
  disturbances: Disturbances,
  { jobs, seconds, seed, tell }: ChaosOptions,
): Promise<void> {
  const windowMs = seconds * 1_000;
  const began = performance.now();
  const users = { outside, ear, bucket: runtime.names.requestBucket, random: seededRandom(seed + 1) };
  const dropping = dropFiles(users, jobs, windowMs * 0.7);
  const disturbing = disturbances.run();
  const until = async (share: number) =>
    await wait(Math.max(0, share * windowMs - (performance.now() - began)));
  const killing = async () => {
    for (const share of RUNTIME_KILLS_AT) {
      await until(share);
      await disturbances.killRuntime();
      tell(`the runtime was killed and started again; ${ear.endedJobs().size} jobs have ended`);
    }
    await until(1);
  };
  // All of them must be over before an error is thrown. Otherwise, a function would remain frozen forever.
  const killed = killing().finally(() => disturbances.stop());
  for (const outcome of await Promise.allSettled([killed, dropping, disturbing])) {
    if (outcome.status === 'rejected') throw outcome.reason;
  }
}

interface Watched {
  readonly outside: Outside;
  readonly ear: EventRecorder;
  readonly operator: Operator;
  readonly bucket: string;
}

/** Waits until every file has ended and nothing remains to do. Returns what is still open when the time is over. */
async function settled({ outside, ear, operator, bucket }: Watched): Promise<string[]> {
  const giveUpAt = performance.now() + SETTLE_SECONDS * 1_000;
  for (;;) {
    await operator.endStalls();
    const files = await filesIn(outside, bucket);
    const ended = ear.endedJobs();
    const open = files.filter(({ jobId }) => !ended.has(jobId)).length;
    const due = (await outside.ledger()).filter(({ isDue }) => isDue).length;
    const messages = await outside.messages();
    if (open + due + messages === 0) return [];
    if (performance.now() > giveUpAt) {
      return [`${open} files open, ${due} items due, ${messages} messages left after ${SETTLE_SECONDS} s`];
    }
    await wait(250);
  }
}

async function filesIn(outside: Outside, bucket: string): Promise<RequestFile[]> {
  const files = await outside.requestFiles();
  return files.map(({ key, versionId, body }) => ({ key, body, jobId: jobIdOf({ bucket, key, versionId }) }));
}

async function gather(runtime: KillableRuntime, outside: Outside, ear: EventRecorder): Promise<Evidence> {
  const results = new Map<string, Results>();
  for (const event of ear.events.filter(isEnd)) {
    const keys = event.detail.data.results;
    const jobId = event.detail.metadata.jobId ?? '';
    if (results.has(jobId) || typeof keys !== 'object' || keys === null) continue;
    const read = async (name: string) =>
      await outside.result(String(new Map(Object.entries(keys)).get(name)));
    results.set(jobId, {
      output: await read('output'),
      errors: await read('errors'),
      summary: await read('summary'),
    });
  }
  return {
    files: await filesIn(outside, runtime.names.requestBucket),
    events: ear.events,
    audit: readAudit(runtime.openAiDirectory),
    results,
  };
}

function faultsIn({ audit }: Evidence): Map<string, number> {
  const counts = new Map<string, number>();
  for (const entry of audit) {
    if (entry.event === 'fault.injected') counts.set(entry.fault, (counts.get(entry.fault) ?? 0) + 1);
  }
  return counts;
}
