import type { Admission, Part, PartIn } from '../part.ts';
import { attemptSize, sizeLeft } from '../part.ts';
import { without } from '../without.ts';

/**
 * Returns the part after POLL admitted it. It keeps a file that it has uploaded. If a create was refused, the next step
 * is a search of the list.
 */
export function admittedPart(part: PartIn<'waiting' | 'requeued'>, admission: Admission): Part {
  if (part.phase === 'requeued') return { ...without(part, 'waiting'), phase: 'retrying', admission };
  const { intent } = part;
  const rest = { ...without(part, 'waiting', 'intent'), admission };
  if (!intent) return { ...without(rest, 'slice'), phase: 'ready' };
  const { sendBy } = intent;
  return sendBy === undefined
    ? { ...rest, phase: 'uploaded', intent }
    : { ...rest, phase: 'creating', intent: { ...intent, sendBy } };
}

/** Returns whether the rows of the current attempt can be sent without a smaller slice. */
export function fitsAdmission(part: Part, { atMost }: Admission): boolean {
  if (!atMost) return true;
  const { rows, uploadBytes } = attemptSize(part);
  if (rows === 1) return true;
  return uploadBytes <= atMost.uploadBytes && rows <= (atMost.rows ?? rows);
}

/** Returns whether rows remain that the current attempt does not send. */
export function hasMoreRows(part: Part): boolean {
  return part.slice !== undefined && part.slice.rows < sizeLeft(part).rows;
}
