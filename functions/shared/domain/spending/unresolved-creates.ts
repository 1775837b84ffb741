/**
 * Rule 1 of "What an answer is worth" (docs/architecture.md): spending is bounded, whatever the API answers. A create
 * is unresolved when no batch was found for it and its file is deleted. A part counts its unresolved creates over its
 * whole life. After the first one, it begins again by itself. After the next one, it stalls until a person releases it,
 * which allows one more.
 */
import type { Part, PartIn } from '../part.ts';
import { without } from '../without.ts';
import type { AbandonedIntent } from './intents.ts';

/** A part stalls at this many unresolved creates, and after a release at each further one. */
export const MAX_UNRESOLVED = 2;

/** The `stalled.code` of a part with too many unresolved creates. */
export const CREATE_UNCERTAIN = 'create_uncertain';

/** Returns the part after its create remained unresolved: ready to begin again, or stalled. */
export function afterUnresolvedCreate(part: PartIn<'creating'>, abandoned: AbandonedIntent): Part {
  const all = [...part.abandoned, abandoned];
  const rest = without(part, 'intent', 'backoffUntil', 'dispatchedUntil', 'stalled', 'unseen');
  const next = { ...rest, abandoned: all, attempt: part.attempt + 1, tries: 0 };
  if (all.length - (part.releases ?? 0) < MAX_UNRESOLVED) return { ...next, phase: 'ready' };
  const message = `${all.length} creates of the part have no known outcome; Batchdrop sends nothing more for it until you release or cancel the job`;
  return { ...without(next, 'admission'), phase: 'stalled', stalled: { code: CREATE_UNCERTAIN, message } };
}

/** Returns whether the part, after an unresolved create, begins again without a release by a person. */
export function beginsAgainByItself({ abandoned, releasedAt = 0 }: Part): boolean {
  const last = abandoned.at(-1);
  return last !== undefined && releasedAt < (last.givenUpAt ?? last.at);
}

/** The account of the part's last unresolved create; undefined when it is not known. */
export function accountOfUnresolved({ abandoned }: Part): string | undefined {
  return abandoned.at(-1)?.account;
}

/**
 * Returns the part after a person released it. A stalled part begins again. Results that do not agree are delivered as
 * they are. Undefined if the part waits for no person.
 */
export function releasedPart(part: Part, now: number): Part | undefined {
  switch (part.phase) {
    case 'stalled': {
      const rest = without(part, 'stalled', 'stallPublished', 'adopt', 'backoffUntil', 'dispatchedUntil');
      const releases = (part.releases ?? 0) + 1;
      return { ...rest, phase: 'ready', releases, releasedAt: now, tries: 0 };
    }
    case 'batch_ended':
      return part.resultsWait === undefined
        ? undefined
        : { ...without(part, 'backoffUntil', 'dispatchedUntil'), releasedAt: now };
    default:
      return undefined;
  }
}
