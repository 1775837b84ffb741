import packageJson from '../../package.json' with { type: 'json' };
import type { AlarmId } from './alarm-ranks.ts';

/** The page of the repository, from the only place with its address. */
const REPOSITORY = packageJson.repository.url.replace(/^git\+/, '').replace(/\.git$/, '');

/** Returns the address of an alarm's section in the runbook of this version. The tag of a release is `v` and its version. */
export function runbookUrl(alarm: AlarmId): string {
  return `${REPOSITORY}/blob/v${packageJson.version}/docs/operations.md#${alarm.toLowerCase()}`;
}
