/** `npm run chaos -- --jobs 30 --minutes 3 [--seed N]`: exit code 1 if anything was lost or paid twice. */
import { parseArgs } from 'node:util';
import { closingSentence } from './closing-sentence.ts';
import { runChaos } from './run-chaos.ts';

const { values } = parseArgs({
  options: {
    jobs: { type: 'string', default: '30' },
    minutes: { type: 'string', default: '3' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
const [jobs, minutes, seed] = [Number(values.jobs), Number(values.minutes), Number(values.seed)];
if (!(Number.isInteger(jobs) && jobs >= 1 && minutes > 0 && Number.isInteger(seed))) {
  console.error('Say --jobs N, --minutes M and --seed S as numbers.');
  process.exit(1);
}
const report = await runChaos({ jobs, seconds: minutes * 60, seed, tell: console.error });
for (const complaint of report.complaints) console.error(complaint);
console.log(closingSentence(report, seed));
process.exitCode = report.complaints.length > 0 ? 1 : 0;
