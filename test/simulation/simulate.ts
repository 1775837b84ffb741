/**
 * npm run simulate -- --runs N [--seed N] [--theme NAME] [--replay SEED]: plays histories in two processes. With a theme,
 * faults of one kind are frequent, and no others occur (`fault-themes.ts`). A broken history is shrunk and printed as a list
 * of steps.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { FAULT_KINDS } from './faults/fault-kinds.ts';
import { faultThemeOf } from './faults/fault-themes.ts';
import { shrink } from './shrink.ts';
import { playMany, sumOf, type Tally, weaknesses } from './tally.ts';
import { playHistory, scenarioOf } from './world/history.ts';

const PROCESSES = 2;
const HISTORIES_FOR_WEAKNESS = 500; // fewer may miss a rare fault by chance
const FIRED_AT_LEAST_SHARE = 0.01;

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '500' },
    seed: { type: 'string', default: '1' },
    theme: { type: 'string' },
    replay: { type: 'string' },
    'until-broken': { type: 'boolean', default: false },
    part: { type: 'boolean', default: false },
  },
});

const theme = values.theme === undefined ? undefined : faultThemeOf(values.theme);

async function main(): Promise<boolean> {
  if (values.replay !== undefined) return replay(Number(values.replay));
  const first = Number(values.seed);
  const runs = Number(values.runs);
  if (values.part || values['until-broken']) {
    const tally = await playMany(first, runs, { untilBroken: values['until-broken'], theme });
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

/** Plays one share of the seeds in a separate process. */
function playApart(first: number, runs: number): Promise<Tally> {
  const self = fileURLToPath(import.meta.url);
  const args = ['--part', '--seed', `${first}`, '--runs', `${runs}`, ...(theme ? ['--theme', theme] : [])];
  const child = spawn(process.execPath, [self, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(JSON.parse(output) as Tally);
      else reject(new Error(`the process of seeds from ${first} ended with ${code}`));
    });
  });
}

async function report(tally: Tally, seconds: number): Promise<boolean> {
  const { histories, steps, broken } = tally;
  console.log(`${histories} histories, ${steps} steps, ${seconds.toFixed(0)} s`);
  console.log('\nFaults that occurred, and whether one changed an outcome:');
  for (const kind of FAULT_KINDS)
    console.log(
      `  ${String(tally.fired[kind] ?? 0).padStart(8)}  ${tally.changed.includes(kind) ? 'changed' : '       '}  ${kind}`,
    );
  console.log('\nPromises, and how much was examined:');
  for (const [promise, count] of Object.entries(tally.examined))
    console.log(`  ${String(count).padStart(8)}  ${promise}`);
  const weak =
    theme || histories < HISTORIES_FOR_WEAKNESS
      ? []
      : weaknesses(tally, Math.floor(histories * FIRED_AT_LEAST_SHARE));
  for (const weakness of weak) console.log(`\nWeak: ${weakness}`);
  for (const { seed, broken: what } of broken) console.log(`\nBROKEN, seed ${seed}: ${what.join('; ')}`);
  if (broken[0]) await printShrunk(broken[0].seed);
  console.log(
    broken.length === 0
      ? `\nNothing was paid twice, lost, or published backwards in ${histories} histories.`
      : `\n${broken.length} of ${histories} histories are broken.`,
  );
  return broken.length === 0 && weak.length === 0;
}

async function replay(seed: number): Promise<boolean> {
  const { broken, world } = await playHistory(seed, {}, scenarioOf(seed, theme));
  if (broken.length > 0) {
    await printShrunk(seed);
    return false;
  }
  console.log(world.trace.join('\n'));
  console.log(`\nseed ${seed}: every promise holds`);
  return true;
}

async function printShrunk(seed: number): Promise<void> {
  const scenario = scenarioOf(seed, theme);
  const leftOut = await shrink(seed, scenario);
  const { broken, world } = await playHistory(seed, leftOut, scenario);
  console.log(`\nSeed ${seed}, shrunk:\n${world.trace.join('\n')}\n\nBroken:\n  ${broken.join('\n  ')}`);
  console.log(`\nTo keep it:\n${JSON.stringify({ seed, ...(theme ? { theme } : {}), leftOut })}`);
}

process.exitCode = (await main()) ? 0 : 1;
