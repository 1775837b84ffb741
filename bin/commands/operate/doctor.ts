import { styleText } from 'node:util';
import { Command } from 'commander';
import { type ConnectionOptions, connect, withConnectionOptions } from '../../connection/connection.ts';
import { diagnose, type Finding } from '../../operations/doctor-checks.ts';
import { escapeControlCharacters } from '../../terminal/escape-control-characters.ts';

const MARKS = {
  ok: { text: 'ok   ', colour: 'green' },
  note: { text: 'note ', colour: 'yellow' },
  wrong: { text: 'WRONG', colour: 'red' },
} as const;

/** `batchdrop doctor`: is everything as it has to be? */
export function doctorCommand(): Command {
  return withConnectionOptions(
    new Command('doctor').description(
      'Looks at everything that has to be right, a line each, and says what to do about what is not.',
    ),
  ).action(doctor);
}

async function doctor(options: ConnectionOptions): Promise<void> {
  const connection = await connect(options);
  const findings: Finding[] = [];
  try {
    for await (const finding of diagnose(connection)) {
      findings.push(finding);
      if (!options.json) tell(finding);
    }
  } finally {
    connection.close();
  }
  if (options.json) console.log(JSON.stringify(findings, null, 2));
  if (findings.some(({ verdict }) => verdict === 'wrong')) process.exitCode = 1;
}

function tell({ check, verdict, found, advice }: Finding): void {
  const { text, colour } = MARKS[verdict];
  console.log(`${styleText(colour, text)}  ${check.padEnd(17)}  ${escapeControlCharacters(found)}`);
  if (advice !== undefined) console.log(`       ${' '.repeat(17)}  ${escapeControlCharacters(advice)}`);
}
