import type { World } from './world/world.ts';

/** Returns what users, subscribers and the bill show at the end, without times and ids, which are random. */
export function outcomeOf(world: World): string {
  const audit = world.api.audit();
  const jobs = world.ledger.jobs().map(({ request, status, rows, reason, usage }) => ({
    version: request.versionId,
    status,
    rows,
    usage,
    reason: reason?.code,
  }));
  const parts = world.ledger
    .parts()
    .map((part) => [part.attempt, part.tokenLimitRejections, part.batch?.status, part.stalled?.code]);
  const events = new Map<string, number>();
  for (const { detailType, detail } of world.bus.published()) {
    const { data } = detail;
    const status = 'outcome' in data ? data.outcome : 'cause' in data ? data.cause : data.status;
    const name = JSON.stringify([detailType, status]);
    events.set(name, (events.get(name) ?? 0) + 1);
  }
  return JSON.stringify([
    jobs,
    parts.sort(),
    [...events].sort(),
    audit.creates.length,
    audit.cancels.length,
    audit.uploads.length,
    audit.billed.length,
  ]);
}
