import { cursorAfter, jobTime, timeIn } from '../../functions/shared/adapters/dynamodb/ledger-keys.ts';
import { isOver, type Job } from '../../functions/shared/domain/job.ts';
import { summaryOf } from '../../functions/shared/domain/job-summary.ts';
import { delayOf, stalledReasonOf } from '../../functions/shared/domain/ledger-records.ts';
import { dueProjectionOf } from '../../functions/shared/domain/next-step.ts';
import type { Part } from '../../functions/shared/domain/part.ts';
import { AdmissionQueue } from '../../functions/shared/domain/waiting/admission-queue.ts';
import type { Clock, LedgerQueries } from '../../functions/shared/ports/ports.ts';

/** The queries of a ledger in memory. `jobs` and `parts` return its items, including expired ones. */
export function createInMemoryLedgerQueries(ledger: {
  clock: Clock;
  jobs: () => Job[];
  parts: () => Part[];
}): LedgerQueries {
  const jobs = () =>
    ledger.jobs().filter(({ expiresAt }) => expiresAt === undefined || expiresAt > ledger.clock.now());
  return {
    async listJobs({ limit, status, since = 0, cursor }) {
      const before = cursor === undefined ? '~' : timeIn(cursor);
      const found = jobs()
        .filter((job) => status === undefined || job.status === status)
        .filter((job) => job.createdAt >= since && jobTime(job) < before)
        .sort((a, b) => (jobTime(a) < jobTime(b) ? 1 : -1))
        .map(summaryOf);
      const page = found.slice(0, limit);
      const last = page.at(-1);
      return { jobs: page, ...(last && found.length > limit && { cursor: cursorAfter(jobTime(last)) }) };
    },
    jobIdsWith: async (prefix, limit) =>
      jobs()
        .map(({ jobId }) => jobId)
        .filter((jobId) => jobId.startsWith(prefix))
        .sort()
        .slice(0, limit),
    openJobs: async () =>
      jobs()
        .filter((job) => job.dueAt !== undefined && !isOver(job))
        .sort((a, b) => (jobTime(a) < jobTime(b) ? -1 : 1)),
    listStalled: async () =>
      [...ledger.jobs(), ...ledger.parts()].sort(byIdThenNumber).flatMap((item) => {
        const reason = stalledReasonOf(item);
        return reason ? [{ ...refOf(item), reason }] : [];
      }),
    listDelayed: async () =>
      [...ledger.jobs(), ...ledger.parts()].sort(byIdThenNumber).flatMap((item) => {
        const delayed = delayOf(item);
        return delayed ? [{ ...refOf(item), ...delayed }] : [];
      }),
    async waitingParts() {
      const queue = new AdmissionQueue();
      for (const part of ledger.parts().filter(({ dueAt }) => dueAt !== undefined)) {
        const { waits } = dueProjectionOf(part);
        if (waits) queue.add(waits);
      }
      return queue.inOrder();
    },
  };
}

function refOf(item: Job | Part) {
  const { jobId } = item;
  if (item.kind === 'job') return { kind: 'job', jobId } as const;
  return { kind: 'part', jobId, planId: item.planId, number: item.number } as const;
}

/** Sorts a job before its parts. */
function byIdThenNumber(a: Job | Part, b: Job | Part): number {
  if (a.jobId !== b.jobId) return a.jobId < b.jobId ? -1 : 1;
  return numberOf(a) - numberOf(b);
}

function numberOf(item: Job | Part): number {
  return item.kind === 'job' ? 0 : item.number;
}
