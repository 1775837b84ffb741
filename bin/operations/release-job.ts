import type { Part } from '../../functions/shared/domain/part.ts';
import { releasedPart } from '../../functions/shared/domain/spending/unresolved-creates.ts';
import { without } from '../../functions/shared/domain/without.ts';
import { changePart } from '../../functions/shared/lifecycle/compare-and-set.ts';
import type { Connection } from '../connection/connection.ts';
import { Failure } from '../terminal/failure.ts';

/**
 * The ledger and the time. `now`: the time of the Batchdrop, in milliseconds. A runtime on this machine may be ahead.
 */
type Ledgers = Pick<Connection, 'ledger' | 'pollIntervalMs'> & { now: number };

const ADOPTION_TIMEOUT_MS = 3 * 60_000; // POLL sends the part to SUBMIT within a minute, or its next interval

/**
 * Releases all parts of a job that wait for a person, and returns their numbers. Throws a Failure if there are none.
 */
export async function releaseJob(ledgers: Ledgers, jobId: string): Promise<number[]> {
  const { ledger, now } = ledgers;
  const released: number[] = [];
  for (const part of await partsOf(ledgers, jobId)) {
    const changed = await changePart({ ledger, clock: { now: () => now } }, part, (known) =>
      releasedPart(known, now),
    );
    if (changed?.changed) released.push(part.number);
  }
  if (released.length === 0)
    throw new Failure(`No part of job ${jobId} waits for a release. To see the jobs: batchdrop list`);
  return released;
}

/** The result of an adoption. `pending`: SUBMIT has not decided yet. */
export type Adoption = { part: number; outcome: 'adopted' | 'pending' };

/**
 * Lets a stalled part adopt a batch that a person found. SUBMIT checks the batch at the API, and this function waits
 * for the result. `number`: which part; required if several are stalled. Throws a Failure if the batch is not adopted.
 */
export async function adoptBatch(
  ledgers: Ledgers,
  jobId: string,
  { batchId, number }: { batchId: string; number: number | undefined },
): Promise<Adoption> {
  const part = chosenOf(await partsOf(ledgers, jobId), jobId, number);
  const { ledger, now } = ledgers;
  const asked = await changePart({ ledger, clock: { now: () => now } }, part, (known) =>
    known.phase === 'stalled'
      ? { ...without(known, 'backoffUntil', 'dispatchedUntil'), adopt: { batchId } }
      : undefined,
  );
  if (!asked?.changed) throw new Failure(`Part ${part.number} of job ${jobId} is not stalled any more.`);
  for (const since = Date.now(); Date.now() - since < ADOPTION_TIMEOUT_MS; ) {
    await new Promise((resolve) => setTimeout(resolve, ledgers.pollIntervalMs));
    const known = await ledger.readPart(part);
    if (known?.phase !== 'stalled') return { part: part.number, outcome: 'adopted' };
    if (!known.adopt) throw new Failure(known.stalled.message);
  }
  return { part: part.number, outcome: 'pending' };
}

async function partsOf({ ledger }: Ledgers, jobId: string): Promise<Part[]> {
  const job = await ledger.readJob(jobId);
  if (!job) throw new Failure(`There is no job ${jobId}. To see the jobs: batchdrop list`);
  return job.plan ? ledger.partsOf(jobId, job.plan.planId) : [];
}

function chosenOf(parts: readonly Part[], jobId: string, number: number | undefined): Part {
  const stalled = parts.filter(({ phase }) => phase === 'stalled');
  const [only, another] = stalled;
  const chosen = number === undefined ? only : stalled.find((part) => part.number === number);
  if (!chosen)
    throw new Failure(
      number === undefined
        ? `No part of job ${jobId} is stalled, so the job needs no batch.`
        : `Part ${number} of job ${jobId} is not stalled, so it needs no batch.`,
    );
  if (number === undefined && another) {
    const numbers = stalled.map((part) => part.number).join(', ');
    throw new Failure(`Several parts of job ${jobId} are stalled: ${numbers}. Name one with --part.`);
  }
  return chosen;
}
