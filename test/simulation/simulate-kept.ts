/**
 * npm run simulate:kept [-- --find [--runs N] [--from SEED]] [--only TEXT]: takes the mend of each kept history out of a
 * copy of the source, and sees the history break its promise again. One that does not proves nothing any more, as calls
 * were added or left out since it was kept: `--find` looks for another seed that does, shrinks it, and prints it to be
 * kept instead.
 */
import { parseArgs } from 'node:util';
import { KEPT, type KeptHistory } from './kept/kept-histories.ts';
import { brokenWithoutFix } from './kept/without-fix.ts';
import { type MutatedCopy, mutatedCopy } from './mutants/mutated-copy.ts';
import type { Tally } from './tally.ts';
import { playHistory } from './world/history.ts';

const { values } = parseArgs({
  options: {
    find: { type: 'boolean', default: false },
    from: { type: 'string', default: '1' },
    runs: { type: 'string', default: '6000' },
    only: { type: 'string', default: '' },
    play: { type: 'string' },
  },
});

/** The first seed that is broken without the mend, as the kept history shows it, and not in the source as it is. */
async function findAnother({ wrong, shows, without }: KeptHistory): Promise<string> {
  const copy = mutatedCopy({ name: wrong, patches: without });
  try {
    const end = Number(values.from) + Number(values.runs);
    for (let seed = Number(values.from); seed < end; ) {
      const first = await firstBroken(copy, seed, end - seed);
      if (!first) break;
      seed = first.seed + 1;
      if (!first.broken[0]?.includes(shows) || (await playHistory(first.seed)).broken.length > 0) continue;
      const story = await copy.run('simulate.ts', '--replay', String(first.seed));
      return `${first.broken[0]}\n${story.trim().split('\n').at(-1)}`;
    }
    return `not found in ${values.runs} seeds`;
  } finally {
    copy.remove();
  }
}

async function firstBroken(
  copy: MutatedCopy,
  seed: number,
  runs: number,
): Promise<Tally['broken'][number] | undefined> {
  const said = await copy.run('simulate.ts', '--until-broken', '--seed', `${seed}`, '--runs', `${runs}`);
  return (JSON.parse(said) as Tally).broken[0];
}

async function check(kept: KeptHistory): Promise<boolean> {
  const broken = (await brokenWithoutFix(kept)).find((what) => what.includes(kept.shows));
  console.log(
    `seed ${kept.seed}, ${kept.wrong}:\n  ${broken ?? 'PROVES NOTHING: it holds without its mend, too'}`,
  );
  if (broken === undefined && values.find) console.log(`  ${await findAnother(kept)}`);
  return broken !== undefined;
}

async function main(): Promise<boolean> {
  if (values.play !== undefined) {
    const kept = KEPT[Number(values.play)];
    if (!kept) throw new Error(`there is no kept history ${values.play}`);
    const { broken } = await playHistory(kept.seed, kept.leftOut);
    process.stdout.write(JSON.stringify(broken));
    return true;
  }
  const chosen = KEPT.filter(({ wrong }) => wrong.includes(values.only));
  let proofs = 0;
  for (const kept of chosen) if (await check(kept)) proofs += 1;
  console.log(`${proofs} of ${chosen.length} kept histories break without their mend`);
  return chosen.length > 0 && proofs === chosen.length;
}

process.exitCode = (await main()) ? 0 : 1;
