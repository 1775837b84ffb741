/**
 * npm run simulate:kept [-- --find] [--only TEXT]: takes the mend of each kept history out of a copy of the source, and
 * sees the history break its promise again. One that does not proves nothing any more, as calls were added or left out
 * since it was kept: `--find` looks for another seed that does, shrinks it, and prints it to be kept instead.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { playHistory } from './history.ts';
import { KEPT, type KeptHistory } from './kept-histories.ts';
import { mutatedCopy } from './mutated-copy.ts';
import type { Tally } from './tally.ts';

const MOST_SEEDS = 6_000;
const LARGEST_ANSWER = 64 * 1024 * 1024; // the story of a long history

const { values } = parseArgs({
  options: {
    find: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    play: { type: 'string' },
  },
});

/** Runs a script of the simulation in a copy; its answer, also if it ends with 1, which says that something is broken. */
async function inCopy(directory: string, script: string, ...args: string[]): Promise<string> {
  const path = join(directory, 'test/simulation', script);
  const ended = promisify(execFile)(process.execPath, [path, ...args], { maxBuffer: LARGEST_ANSWER });
  return ended.then(
    ({ stdout }) => stdout,
    (failure: { code?: unknown; stdout?: string }) => {
      if (failure.code !== 1) throw failure;
      return failure.stdout ?? '';
    },
  );
}

/** The first seeds that are broken in the copy and not in the source as it is. */
async function findAnother(directory: string): Promise<string> {
  for (let seed = 1; seed <= MOST_SEEDS; ) {
    const runs = String(MOST_SEEDS - seed + 1);
    const said = await inCopy(
      directory,
      'simulate.ts',
      '--until-broken',
      '--seed',
      String(seed),
      '--runs',
      runs,
    );
    const [first] = (JSON.parse(said) as Tally).broken;
    if (!first) break;
    if ((await playHistory(first.seed)).broken.length > 0) {
      seed = first.seed + 1;
      continue;
    }
    const story = await inCopy(directory, 'simulate.ts', '--replay', String(first.seed));
    return `${first.broken[0]}\n${story.trim().split('\n').at(-1)}`;
  }
  return `not found in ${MOST_SEEDS} seeds`;
}

async function check(kept: KeptHistory): Promise<boolean> {
  const copy = mutatedCopy({ name: kept.wrong, patches: kept.without });
  try {
    const said = await inCopy(copy.directory, 'simulate-kept.ts', '--play', String(KEPT.indexOf(kept)));
    const [broken]: string[] = JSON.parse(said);
    console.log(
      `seed ${kept.seed}, ${kept.wrong}:\n  ${broken ?? 'PROVES NOTHING: it holds without its mend, too'}`,
    );
    if (broken === undefined && values.find) console.log(`  ${await findAnother(copy.directory)}`);
    return broken !== undefined;
  } finally {
    copy.remove();
  }
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
