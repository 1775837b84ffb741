import { Command } from 'commander';
import {
  type ConnectionOptions,
  withConnection,
  withConnectionOptions,
} from '../../connection/connection.ts';
import { diagnose } from '../../operations/doctor-checks.ts';
import type { Finding } from '../../operations/finding.ts';
import { withExamples } from '../../terminal/examples.ts';
import { printFinding } from '../../terminal/finding-line.ts';
import { type FormatOptions, isForPeople, printFacts } from '../../terminal/output-format.ts';

/** `batchdrop doctor`: checks the health of a Batchdrop. */
export function doctorCommand(): Command {
  return withExamples(
    withConnectionOptions(
      new Command('doctor')
        .summary('Check the health of a Batchdrop')
        .description('Check the health of a Batchdrop: one line per check, and what to do if a check fails.'),
    ),
    'batchdrop doctor --stack Batchdrop',
  ).action(doctor);
}

async function doctor(options: ConnectionOptions & FormatOptions): Promise<void> {
  await withConnection(options, async (connection) => {
    const findings: Finding[] = [];
    for await (const finding of diagnose(connection)) {
      findings.push(finding);
      if (isForPeople(options)) printFinding(finding);
    }
    printFacts(options, findings, () => []);
    if (findings.some(({ verdict }) => verdict === 'failed')) process.exitCode = 1;
  });
}
