import type { AppPlan } from './stack-plan.ts';

/**
 * Returns the plan's buckets and buses with those that a Batchdrop uses but the app does not create: it imports them by name. On
 * one machine, empty ones stand in for them.
 */
export function withStandIns({
  buckets,
  buses,
  batchdrops,
}: Pick<AppPlan, 'buckets' | 'buses' | 'batchdrops'>): Pick<AppPlan, 'buckets' | 'buses' | 'standIns'> {
  const made = new Map(buckets.map((bucket) => [bucket.name, bucket]));
  for (const { requestBucket, resultsBucket } of batchdrops) {
    for (const [name, eventBridge] of [
      [requestBucket, true],
      [resultsBucket, false],
    ] as const)
      if (!made.has(name)) made.set(name, { name, versioned: true, eventBridge });
  }
  const named = batchdrops.map(({ eventBus }) => eventBus).filter((bus) => bus !== 'default');
  const all = { buckets: [...made.values()], buses: [...new Set([...buses, ...named])] };
  const standIns = [
    ...all.buckets.slice(buckets.length).map(({ name }) => name),
    ...all.buses.slice(buses.length),
  ];
  return { ...all, standIns };
}
