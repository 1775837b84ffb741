/**
 * `npm run chaos -- --jobs 30 --minutes 3 [--seed N] [--preset NAME]`: exits with 1 if anything was lost or paid for
 * twice. The preset is one of the Batch API server's, or a file with rules. Default: faults.json in this folder.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readFaultPlan } from '../../local/openai/faults/faults-file.ts';
import { closingSentence } from './closing-sentence.ts';
import { runChaos } from './run-chaos.ts';

const { values } = parseArgs({
  options: {
    jobs: { type: 'string', default: '30' },
    minutes: { type: 'string', default: '3' },
    preset: { type: 'string', default: fileURLToPath(new URL('faults.json', import.meta.url)) },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
const [jobs, minutes, seed] = [Number(values.jobs), Number(values.minutes), Number(values.seed)];
if (!(Number.isInteger(jobs) && jobs >= 1 && minutes > 0 && Number.isInteger(seed))) {
  console.error('--jobs, --minutes and --seed must be numbers.');
  process.exit(1);
}
readFaultPlan(values.preset); // an unknown preset ends the run before it begins
const report = await runChaos({
  jobs,
  seconds: minutes * 60,
  seed,
  faults: values.preset,
  tell: console.error,
});
const met = [...report.faults].sort(([, a], [, b]) => b - a).map(([fault, count]) => `${count} ${fault}`);
console.error(`faults: ${met.join(', ')}`);
for (const complaint of report.complaints) console.error(complaint);
console.log(closingSentence(report, seed));
process.exitCode = report.complaints.length > 0 ? 1 : 0;
