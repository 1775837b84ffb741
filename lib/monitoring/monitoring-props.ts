import { Token } from 'aws-cdk-lib';
import type { BatchdropOptions } from '../batchdrop-props.ts';
import { shown } from '../guards/shown.ts';

/** The values of `monitoring`. */
export const MONITORING_TIERS = ['none', 'basic', 'full'] as const;

/** The value of `monitoring` if it is not set. */
export const DEFAULT_MONITORING = 'basic';

const RECIPIENTS = ['alarmEmail', 'alarmAction', 'pageAction', 'ticketAction'] as const;

/** Roughly what SNS accepts: no address of a list, no name before the address, and a domain with a dot. */
const ADDRESS = /^[^\s@<>,;:"()[\]]{1,64}@(?:[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?\.)+[a-z][a-z\d-]*[a-z\d]$/i;

/** Yields what is wrong with the props about alarms. */
export function* monitoringProblems(props: BatchdropOptions): Generator<string> {
  const { monitoring = DEFAULT_MONITORING, alarmEmail } = props;
  // Only TypeScript checks the type.
  if (!MONITORING_TIERS.includes(monitoring))
    yield `monitoring is ${shown(monitoring)}; set none, basic or full.`;
  const recipient = RECIPIENTS.find((name) => props[name] !== undefined);
  if (monitoring === 'none' && recipient !== undefined)
    yield `${recipient} is set, but there are no alarms, because monitoring is none; set monitoring to basic or full, or remove ${recipient}.`;
  if (alarmEmail === undefined || Token.isUnresolved(alarmEmail) || ADDRESS.test(alarmEmail)) return;
  yield `alarmEmail is ${shown(alarmEmail)}; set one mail address, such as team@example.com.`;
}
