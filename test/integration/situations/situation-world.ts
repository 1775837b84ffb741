import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { createOpenAiBatchApi } from '../../../functions/shared/adapters/openai/batch-api.ts';
import { type AuditEntry, readAudit } from '../../../local/openai/audit-log.ts';
import { parseFaultPlan } from '../../../local/openai/faults/faults-file.ts';
import { type BatchApiOptions, startBatchApi } from '../../../local/openai/server.ts';
import { chatRow, jsonl } from '../../openai/batch-api-under-test.ts';
import { MINUTE, SmallWorld } from '../../unit/small-world.ts';

/** In wall time. No call here is deliberately slow; calls either respond or never do. */
const DEADLINE_MS = 3_000;
const TIMING = {
  validating: () => 10_000,
  inProgress: () => 5 * MINUTE,
  finalizing: () => 10_000,
  cancelling: () => 10_000,
};

/** A rule of a fault plan, in the format of a fault file. */
type Rule = { readonly fault: string; readonly [field: string]: string | number | readonly string[] };

type Options = Pick<BatchApiOptions, 'profile' | 'limits' | 'timing'> & {
  readonly settings?: ConstructorParameters<typeof SmallWorld>[0];
  /** How long a call waits for its response. */
  readonly deadlineMs?: number;
};

const closing: (() => Promise<void>)[] = [];

/**
 * Closes the worlds at the end of a file. Its tests run concurrently, because most of them only wait for a deadline.
 */
export function closeWorldsAtTheEnd(): void {
  afterAll(async () => {
    for (const close of closing.splice(0)) await close();
  });
}

/** Returns the five handlers with the real adapter, and a Batch API server over HTTP that plays these faults. */
export async function worldWith(rules: readonly Rule[], options: Options = {}) {
  const { settings, deadlineMs: ms = DEADLINE_MS, ...server } = options;
  const world = new SmallWorld(settings);
  const directory = await mkdtemp(join(tmpdir(), 'batchdrop-situation-'));
  const faults = parseFaultPlan(JSON.parse(JSON.stringify({ faults: rules })));
  const api = await startBatchApi({ timing: TIMING, ...server, directory, clock: world.clock, faults });
  closing.push(async () => {
    await api.close();
    await rm(directory, { recursive: true, force: true });
  });
  const key = async () => ({ apiKey: 'sk-local' });
  const keys = { current: key, refresh: key };
  const deadlines = { smallMs: ms, createMs: ms, silenceMs: ms, uploadedMs: ms };
  world.ports.api = createOpenAiBatchApi({ baseUrl: api.url, keys, deadlines });
  const audit = <E extends AuditEntry['event']>(event: E) =>
    readAudit(directory).filter((entry): entry is Extract<AuditEntry, { event: E }> => entry.event === event);
  return {
    world,
    url: api.url,
    audit,
    /** How often the fault was played. A test whose fault never occurred shows nothing. */
    played: (fault: string) => audit('fault.injected').filter((entry) => entry.fault === fault).length,
    /** How often each row was paid for. */
    paid: () => {
      const times = new Map<string, number>();
      for (const { customId } of audit('row.billed')) times.set(customId, (times.get(customId) ?? 0) + 1);
      return Object.fromEntries([...times].sort());
    },
  };
}

/**
 * Lets time pass until nothing is due, like `rest`, but continues when ticks and messages fail, because they are
 * repeated.
 */
export async function restThroughFailures(world: SmallWorld, longestMinutes = 3_000): Promise<void> {
  for (let minute = 0; minute < longestMinutes; minute += 1) {
    await world.work().catch(() => undefined);
    const items = [...world.ledger.jobs(), ...world.ledger.parts()];
    if (items.every(({ dueAt }) => dueAt === undefined)) return;
    world.clock.advance(MINUTE);
    await world.poll().catch(() => undefined);
  }
  throw new Error(`something is still due after ${longestMinutes} minutes`);
}

/** Returns a file of `count` rows that succeed. */
export function goodFile(count: number): string {
  return jsonl(Array.from({ length: count }, (_, row) => chatRow(`row-${row}`)));
}

/** Returns the value of `paid` if each row of `goodFile` ran once. */
export function paidOnce(count: number): Record<string, number> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, row): [string, number] => [`row-${row}`, 1]).sort(),
  );
}

/** Returns the end of a job in a few words. */
export function endOf(world: SmallWorld, jobId: string) {
  const { status, rows } = world.job(jobId);
  return { status, succeeded: rows?.succeeded, total: rows?.total };
}

/** Returns the end of a job whose rows all succeeded. */
export const whole = (count: number) => ({ status: 'completed', succeeded: count, total: count });

/** Returns the text of the object whose key ends with `end`; empty if there is none. */
export function textOf(world: SmallWorld, end: string): string {
  const found = [...world.results.objects()].find(([key]) => key.endsWith(end));
  return found === undefined ? '' : Buffer.from(found[1].body).toString();
}
