import { Duration } from 'aws-cdk-lib';
import type { IntakeEnv } from '../../functions/intake/env.ts';
import type { BatchdropProps } from '../batchdrop-props.ts';
import { shown } from '../guards/shown.ts';

const AMOUNT = /^\d{1,15}(\.\d{1,12})?$/; // as functions read it: exact, and no exponent
const LONGEST = Duration.days(365);

type HoldProps = Pick<BatchdropProps, 'approveAbove' | 'approvalExpiresAfter'>;

/** What is wrong with the props that hold jobs. */
export function* holdProblems({ approveAbove, approvalExpiresAfter }: HoldProps): Generator<string> {
  if (approveAbove !== undefined && !isAmount(approveAbove))
    yield `approveAbove is ${shown(approveAbove)}; set an amount of money, 0 or more, such as 20 or 0.5.`;
  if (approvalExpiresAfter === undefined) return;
  const minutes = approvalExpiresAfter.toMinutes({ integral: false });
  if (Number.isInteger(minutes) && minutes >= 1 && minutes <= LONGEST.toMinutes()) return;
  yield `approvalExpiresAfter is ${shown(approvalExpiresAfter)}; set whole minutes, from one minute to 365 days.`;
}

function isAmount(amount: number): boolean {
  return typeof amount === 'number' && AMOUNT.test(String(amount));
}

/** Returns the environment that says which jobs are held, and for how long. */
export function holdEnvironment({
  approveAbove,
  approvalExpiresAfter,
}: HoldProps): Pick<IntakeEnv, 'APPROVE_ABOVE' | 'APPROVAL_EXPIRES_AFTER'> {
  return {
    ...(approveAbove !== undefined && { APPROVE_ABOVE: String(approveAbove) }),
    ...(approvalExpiresAfter && { APPROVAL_EXPIRES_AFTER: String(approvalExpiresAfter.toSeconds()) }),
  };
}
