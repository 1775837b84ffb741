import type { ChecksAnswer } from '../../console/api.ts';
import type { Connection } from '../connection/connection.ts';
import { diagnose } from '../operations/doctor-checks.ts';

const LEVELS = { ok: 'ok', note: 'warning', failed: 'error' } as const;

/** Runs the checks of `batchdrop doctor` that need no secret. */
export async function checksAnswer(connection: Connection): Promise<ChecksAnswer> {
  const checks: ChecksAnswer['checks'][number][] = [];
  for await (const { check, verdict, found, advice } of diagnose(connection, { onlyLooks: true })) {
    checks.push({
      level: LEVELS[verdict],
      message: `${check}: ${found}`,
      ...(advice !== undefined && { action: advice }),
    });
  }
  return { checks };
}
