/**
 * npm run simulate:kept [-- --find [--runs N] [--from SEED]] [--only TEXT]: removes the fix of each kept history from a
 * copy of the source, and checks that the history breaks its promise there. If it does not, it proves nothing any more,
 * because calls were added or removed since it was kept. `--find` searches for another seed that breaks the promise,
 * shrinks it, and prints it for the list.
 */
import { parseArgs } from 'node:util';
import { KEPT, type KeptHistory } from './kept/kept-histories.ts';
import { brokenWithoutFix } from './kept/without-fix.ts';
import { type MutatedCopy, mutatedCopy } from './mutants/mutated-copy.ts';
import type { Tally } from './tally.ts';
import { playHistory, scenarioOf } from './world/history.ts';

const { values } = parseArgs({
  options: {
    find: { type: 'boolean', default: false },
    from: { type: 'string', default: '1' },
    runs: { type: 'string', default: '6000' },
    only: { type: 'string', default: '' },
    play: { type: 'string' },
  },
});

/**
 * Returns the first seed that breaks without the fix as the kept history does, and keeps every promise with the fix.
 */
async function findAnother({ wrong, shows, without, theme }: KeptHistory): Promise<string> {
  const copy = mutatedCopy({ name: wrong, patches: without });
  try {
    const end = Number(values.from) + Number(values.runs);
    for (let seed = Number(values.from); seed < end; ) {
      const first = await firstBroken(copy, { theme, seed, runs: end - seed });
      if (!first) break;
      seed = first.seed + 1;
      if (!first.broken[0]?.includes(shows)) continue;
      const withFix = await playHistory(first.seed, {}, scenarioOf(first.seed, theme));
      if (withFix.broken.length > 0) continue;
      const output = await copy.run('simulate.ts', '--replay', String(first.seed), ...themeArguments(theme));
      return `${first.broken[0]}\n${output.trim().split('\n').at(-1)}`;
    }
    return `not found in ${values.runs} seeds`;
  } finally {
    copy.remove();
  }
}

async function firstBroken(
  copy: MutatedCopy,
  { theme, seed, runs }: { theme: KeptHistory['theme']; seed: number; runs: number },
): Promise<Tally['broken'][number] | undefined> {
  const range = ['--seed', `${seed}`, '--runs', `${runs}`];
  const output = await copy.run('simulate.ts', '--until-broken', ...range, ...themeArguments(theme));
  return (JSON.parse(output) as Tally).broken[0];
}

function themeArguments(theme: KeptHistory['theme']): string[] {
  return theme === undefined ? [] : ['--theme', theme];
}

async function check(kept: KeptHistory): Promise<boolean> {
  const broken = (await brokenWithoutFix(kept)).find((what) => what.includes(kept.shows));
  console.log(
    `seed ${kept.seed}, ${kept.wrong}:\n  ${broken ?? 'PROVES NOTHING: it holds without the fix, too'}`,
  );
  if (broken === undefined && values.find) console.log(`  ${await findAnother(kept)}`);
  return broken !== undefined;
}

async function main(): Promise<boolean> {
  if (values.play !== undefined) {
    const kept = KEPT[Number(values.play)];
    if (!kept) throw new Error(`there is no kept history ${values.play}`);
    const { broken } = await playHistory(kept.seed, kept.leftOut, scenarioOf(kept.seed, kept.theme));
    process.stdout.write(JSON.stringify(broken));
    return true;
  }
  const chosen = KEPT.filter(({ wrong }) => wrong.includes(values.only));
  let proofs = 0;
  for (const kept of chosen) if (await check(kept)) proofs += 1;
  console.log(`${proofs} of ${chosen.length} kept histories break without their fix`);
  return chosen.length > 0 && proofs === chosen.length;
}

process.exitCode = (await main()) ? 0 : 1;
