/**
 * npm run simulate -- --runs N [--seed N] [--replay SEED]: plays histories in two processes; a broken one is shrunk and
 * told as a list of steps.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { FAULT_KINDS } from './faults/fault-kinds.ts';
import { shrink } from './shrink.ts';
import { playMany, sumOf, type Tally, weaknesses } from './tally.ts';
import { playHistory } from './world/history.ts';

const PROCESSES = 2;
const HISTORIES_FOR_WEAKNESS = 500; // fewer may miss a rare fault by chance
const FIRED_AT_LEAST_SHARE = 0.01;

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '500' },
    seed: { type: 'string', default: '1' },
    replay: { type: 'string' },
    'until-broken': { type: 'boolean', default: false },
    part: { type: 'boolean', default: false },
  },
});

async function main(): Promise<boolean> {
  if (values.replay !== undefined) return replay(Number(values.replay));
  const first = Number(values.seed);
  const runs = Number(values.runs);
  if (values.part || values['until-broken']) {
    const tally = await playMany(first, runs, { untilBroken: values['until-broken'] });
    process.stdout.write(`${JSON.stringify(tally)}\n`);
    return true;
  }
  const began = performance.now();
  const share = Math.ceil(runs / PROCESSES);
  const parts = Array.from({ length: PROCESSES }, (_, nth) =>
    playApart(first + nth * share, Math.min(share, runs - nth * share)),
  );
  const tally = sumOf(await Promise.all(parts));
  return report(tally, (performance.now() - began) / 1000);
}

/** One share of the seeds in a process of its own. */
function playApart(first: number, runs: number): Promise<Tally> {
  const self = fileURLToPath(import.meta.url);
  const child = spawn(process.execPath, [self, '--part', '--seed', `${first}`, '--runs', `${runs}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(JSON.parse(said) as Tally);
      else reject(new Error(`the process of seeds from ${first} ended with ${code}`));
    });
  });
}

async function report(tally: Tally, seconds: number): Promise<boolean> {
  const { histories, steps, broken } = tally;
  console.log(`${histories} histories, ${steps} steps, ${seconds.toFixed(0)} s`);
  console.log('\nFaults fired, and whether one changed what the world sees:');
  for (const kind of FAULT_KINDS)
    console.log(
      `  ${String(tally.fired[kind] ?? 0).padStart(8)}  ${tally.changed.includes(kind) ? 'changed' : '       '}  ${kind}`,
    );
  console.log('\nPromises, and how much there was to look at:');
  for (const [promise, count] of Object.entries(tally.examined))
    console.log(`  ${String(count).padStart(8)}  ${promise}`);
  const weak =
    histories < HISTORIES_FOR_WEAKNESS ? [] : weaknesses(tally, Math.floor(histories * FIRED_AT_LEAST_SHARE));
  for (const weakness of weak) console.log(`\nWeak: ${weakness}`);
  for (const { seed, broken: what } of broken) console.log(`\nBROKEN, seed ${seed}: ${what.join('; ')}`);
  if (broken[0]) await tellShrunk(broken[0].seed);
  console.log(
    broken.length === 0
      ? `\nNothing was paid twice, lost, or told backwards in ${histories} histories.`
      : `\n${broken.length} of ${histories} histories are broken.`,
  );
  return broken.length === 0 && weak.length === 0;
}

async function replay(seed: number): Promise<boolean> {
  const { broken, world } = await playHistory(seed);
  if (broken.length > 0) {
    await tellShrunk(seed);
    return false;
  }
  console.log(world.story.join('\n'));
  console.log(`\nseed ${seed}: every promise held`);
  return true;
}

async function tellShrunk(seed: number): Promise<void> {
  const leftOut = await shrink(seed);
  const { broken, world } = await playHistory(seed, leftOut);
  console.log(`\nSeed ${seed}, shrunk:\n${world.story.join('\n')}\n\nBroken:\n  ${broken.join('\n  ')}`);
  console.log(`\nTo keep it:\n${JSON.stringify({ seed, leftOut })}`);
}

process.exitCode = (await main()) ? 0 : 1;
