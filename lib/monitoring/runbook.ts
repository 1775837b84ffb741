import packageJson from '../../package.json' with { type: 'json' };
import type { AlarmId } from './alarm-ranks.ts';

/** The only place with the address of the repository. A release has the tag `v` and its version. */
const REPOSITORY = 'https://github.com/batchdrop/batchdrop';

/** Returns the address of an alarm's section in the runbook of this version. */
export function runbookUrl(alarm: AlarmId): string {
  return `${REPOSITORY}/blob/v${packageJson.version}/docs/operations.md#${alarm.toLowerCase()}`;
}
