import { Command } from 'commander';
import {
  type ConnectionOptions,
  withConnection,
  withConnectionOptions,
} from '../../connection/connection.ts';
import { diagnose } from '../../operations/doctor-checks.ts';
import type { Finding } from '../../operations/finding.ts';
import { printableJson } from '../../terminal/escape-control-characters.ts';
import { printFinding } from '../../terminal/finding-line.ts';

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
      if (!options.json) printFinding(finding);
    }
    if (options.json) console.log(printableJson(findings, 2));
    if (findings.some(({ verdict }) => verdict === 'failed')) process.exitCode = 1;
  });
}
