import type { AppPlan, LeftOut } from '../../local/runtime/template/stack-plan.ts';

const MAX_NAMED = 3;

/** Returns one line for each reason to leave resources out, and one for what is made up. */
export function leftOutLines({ leftOut, standIns }: Pick<AppPlan, 'leftOut' | 'standIns'>): string[] {
  const lines = [...Map.groupBy(leftOut, ({ reason }) => reason)].map(
    ([reason, types]) => `Left out, because ${reason}: ${types.map(shown).join('; ')}`,
  );
  if (standIns.length > 0)
    lines.push(`The app imports these, and an empty one stands in for each: ${standIns.join(', ')}`);
  return lines;
}

function shown({ type, places }: LeftOut): string {
  return places.length > MAX_NAMED ? `${places.length} of ${type}` : `${type} ${places.join(', ')}`;
}
