import { styleText } from 'node:util';
import { Command } from 'commander';
import {
  type ConnectionOptions,
  withConnection,
  withConnectionOptions,
} from '../../connection/connection.ts';
import { diagnose, type Finding } from '../../operations/doctor-checks.ts';
import { escapeControlCharacters, printableJson } from '../../terminal/escape-control-characters.ts';

const MARKS = {
  ok: { text: 'ok    ', color: 'green' },
  note: { text: 'note  ', color: 'yellow' },
  failed: { text: 'FAILED', color: 'red' },
} as const;
const CHECK_WIDTH = 15;

/** `batchdrop doctor`: checks the health of a Batchdrop. */
export function doctorCommand(): Command {
  return withConnectionOptions(
    new Command('doctor')
      .summary('Check the health of a Batchdrop')
      .description('Check the health of a Batchdrop: one line per check, and what to do if a check fails.'),
  ).action(doctor);
}

async function doctor(options: ConnectionOptions): Promise<void> {
  await withConnection(options, async (connection) => {
    const findings: Finding[] = [];
    for await (const finding of diagnose(connection)) {
      findings.push(finding);
      if (!options.json) print(finding);
    }
    if (options.json) console.log(printableJson(findings, 2));
    if (findings.some(({ verdict }) => verdict === 'failed')) process.exitCode = 1;
  });
}

function print({ check, verdict, found, advice }: Finding): void {
  const { text, color } = MARKS[verdict];
  console.log(`${styleText(color, text)}  ${check.padEnd(CHECK_WIDTH)}  ${escapeControlCharacters(found)}`);
  const indent = ' '.repeat(text.length + 2 + CHECK_WIDTH + 2);
  if (advice !== undefined) console.log(indent + escapeControlCharacters(advice));
}
