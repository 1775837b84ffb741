import { Annotations } from 'aws-cdk-lib';
import type { IVpc, SelectedSubnets, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import type { Construct } from 'constructs';
import type { BatchdropProps } from '../batchdrop-props.ts';
import type { Given } from './prop-shapes.ts';

type NetworkProps = Pick<BatchdropProps, 'vpc' | 'vpcSubnets' | 'securityGroups'>;

/** Yields what is wrong with the network of the functions, as far as synth knows its routes. */
export function* networkProblems(
  { vpc, vpcSubnets, securityGroups }: NetworkProps,
  given: Given,
): Generator<string> {
  if (given.vpc === undefined) {
    if (vpcSubnets !== undefined) yield 'vpcSubnets is set without vpc; set both or neither.';
    if (securityGroups !== undefined) yield 'securityGroups is set without vpc; set both or neither.';
    return;
  }
  if (vpc === undefined) return;
  if (securityGroups?.length === 0)
    yield 'securityGroups is an empty list; name at least one group, or leave it out.';
  const selected = subnetsOf({ vpc, vpcSubnets });
  const prop = vpcSubnets === undefined ? 'vpc' : 'vpcSubnets';
  if ('problem' in selected) {
    yield `${prop} selects no subnets: ${selected.problem}; set vpcSubnets to subnets with a route to the API, such as { subnetType: SubnetType.PRIVATE_WITH_EGRESS }.`;
  } else if (vpc.publicSubnets.some(({ subnetId }) => selected.subnets.subnetIds.includes(subnetId))) {
    yield `${prop} selects public subnets, in which functions have no route to the internet; set vpcSubnets to private subnets with egress.`;
  }
}

/** Warns of isolated subnets. A route that the CDK does not know, such as one to a transit gateway, may exist. */
export function warnOfIsolation(scope: Construct, { vpc, vpcSubnets }: NetworkProps): void {
  if (vpc === undefined) return;
  const selected = subnetsOf({ vpc, vpcSubnets });
  if ('problem' in selected) return;
  if (!vpc.isolatedSubnets.some(({ subnetId }) => selected.subnets.subnetIds.includes(subnetId))) return;
  Annotations.of(scope).addWarningV2(
    'batchdrop:isolatedSubnets',
    `${vpcSubnets === undefined ? 'vpc' : 'vpcSubnets'} selects isolated subnets, in which all work waits unless they have a route to the API and to AWS's services; set vpcSubnets to private subnets with egress. After the deployment, batchdrop doctor shows whether POLL completes runs.`,
  );
}

/** The CDK throws for some selections that select nothing. */
function subnetsOf({
  vpc,
  vpcSubnets,
}: {
  vpc: IVpc;
  vpcSubnets: SubnetSelection | undefined;
}): { subnets: SelectedSubnets } | { problem: string } {
  try {
    const subnets = vpc.selectSubnets(vpcSubnets);
    return subnets.subnetIds.length > 0 || subnets.isPendingLookup
      ? { subnets }
      : { problem: 'none matches' };
  } catch (failure) {
    const [first = ''] = (failure instanceof Error ? failure.message : String(failure)).split('\n');
    return { problem: first.replace(/\.$/, '') };
  }
}
