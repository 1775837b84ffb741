import { mutatedCopy } from '../mutants/mutated-copy.ts';
import { KEPT, type KeptHistory } from './kept-histories.ts';

/** Returns what the history breaks in a copy of the source without its fix. Empty if the history proves nothing. */
export async function brokenWithoutFix(kept: KeptHistory): Promise<string[]> {
  const copy = mutatedCopy({ name: kept.wrong, patches: kept.without });
  try {
    return JSON.parse(await copy.run('simulate-kept.ts', '--play', String(KEPT.indexOf(kept))));
  } finally {
    copy.remove();
  }
}
