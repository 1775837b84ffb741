/** What resources of the user's own must be, if the app makes them: known once it is whole. */
import type { ISecurityGroup } from 'aws-cdk-lib/aws-ec2';
import type { BatchdropProps } from '../batchdrop-props.ts';
import { isPlain } from './shape.ts';
import { propertiesOf, resourceOf, resourcesInApp } from './template-resource.ts';

/** With this rule, the CDK writes that a group allows nothing. */
const TO_NOWHERE = '255.255.255.255/32';

/** Returns what is wrong with resources that the app makes, one sentence each. */
export function ownResourceProblems(
  props: Pick<BatchdropProps, 'logGroup' | 'encryptionKey' | 'securityGroups'>,
): string[] {
  return [...logGroupProblems(props), ...keyProblems(props), ...outboundProblems(props)];
}

/** Every metric of Batchdrop is extracted from its logs. */
function* logGroupProblems({ logGroup }: Pick<BatchdropProps, 'logGroup'>): Generator<string> {
  const resource = resourceOf('AWS::Logs::LogGroup', logGroup?.node.defaultChild);
  const logClass = resource && propertiesOf(resource).LogGroupClass;
  if (typeof logClass !== 'string' || logClass === 'STANDARD') return;
  yield `logGroup ${logGroup?.node.path} is of the class ${logClass}, from which no metrics are extracted, so no alarm would have data; use the class STANDARD.`;
}

function* keyProblems({ encryptionKey }: Pick<BatchdropProps, 'encryptionKey'>): Generator<string> {
  const resource = resourceOf('AWS::KMS::Key', encryptionKey?.node.defaultChild);
  if (!resource) return;
  const { KeySpec: spec = 'SYMMETRIC_DEFAULT', Enabled: isEnabled } = propertiesOf(resource);
  if (typeof spec === 'string' && spec !== 'SYMMETRIC_DEFAULT')
    yield `encryptionKey ${encryptionKey?.node.path} is of the kind ${spec}, which cannot encrypt a bucket; use a symmetric key.`;
  if (isEnabled === false)
    yield `encryptionKey ${encryptionKey?.node.path} is disabled; enable it, or nothing can be read or written.`;
}

/** Rules of all groups of a function add up. */
function* outboundProblems({
  securityGroups = [],
}: Pick<BatchdropProps, 'securityGroups'>): Generator<string> {
  if (securityGroups.length === 0 || !securityGroups.every(allowsNothing)) return;
  const paths = securityGroups.map(({ node }) => node.path).join(', ');
  yield `securityGroups ${paths} allow no outbound traffic, so the functions reach neither the API nor AWS's services; allow port 443, such as addEgressRule(Peer.anyIpv4(), Port.HTTPS).`;
}

function allowsNothing(group: ISecurityGroup): boolean {
  const resource = resourceOf('AWS::EC2::SecurityGroup', group.node.defaultChild);
  const rules = resource && propertiesOf(resource).SecurityGroupEgress;
  if (!Array.isArray(rules)) return false;
  const isBlocked = rules.every((rule) => isPlain(rule) && rule.CidrIp === TO_NOWHERE);
  return isBlocked && resourcesInApp('AWS::EC2::SecurityGroupEgress', group).length === 0;
}
