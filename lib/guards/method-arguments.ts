/** What the methods of a Batchdrop get, for callers without types. Each function returns what it got, or throws. */
import type { IGrantable } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { METRIC_UNITS, type MetricName } from '../../functions/shared/contract/metrics.ts';
import { nearestName } from './nearest-name.ts';
import { shown } from './shown.ts';

/** Returns who may get a permission. */
export function checkedGrantee(scope: Construct, method: string, given: IGrantable): IGrantable {
  if (typeof given === 'object' && given !== null && 'grantPrincipal' in given) return given;
  throw new Error(
    `${scope.node.path}: ${method} got ${shown(given)}; pass a construct with a role, such as a function, a role or a user.`,
  );
}

/** Returns the name of a metric. */
export function metricName(scope: Construct, given: MetricName): MetricName {
  if (Object.hasOwn(METRIC_UNITS, given)) return given;
  const near = nearestName(String(given), Object.keys(METRIC_UNITS));
  const advice = near === undefined ? 'docs/operations.md lists every metric' : `did you mean ${near}?`;
  throw new Error(`${scope.node.path}: there is no metric ${shown(given)}; ${advice}${near ? '' : '.'}`);
}
