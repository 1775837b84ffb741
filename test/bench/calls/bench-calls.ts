/**
 * Counts the calls of one small job: `npm run bench:calls`. It prints the tables of docs/costs.md and the goals, and exits with 1
 * if a goal is missed. With `-- --write`, it also writes counted-calls.json and the sections of docs/costs.md that use it.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeCostsPage } from '../../../docs/write-costs.ts';
import { goalsSection, meetsGoals } from './call-goals.ts';
import { callsTable, moreCallsTable } from './calls-table.ts';
import { countCalls } from './counted-jobs.ts';

const directory = mkdtempSync(join(tmpdir(), 'batchdrop-calls-'));
console.error(`Logs of the functions: ${directory}/logs. They are deleted unless the run fails.`);
const calls = await countCalls(directory);
rmSync(directory, { recursive: true });
console.log([callsTable(calls), moreCallsTable(calls), goalsSection(calls)].join('\n\n'));
if (!meetsGoals(calls)) process.exitCode = 1;
if (process.argv.includes('--write')) {
  const file = new URL('counted-calls.json', import.meta.url);
  writeFileSync(file, `${JSON.stringify(calls, null, 2)}\n`);
  writeCostsPage(calls);
}
