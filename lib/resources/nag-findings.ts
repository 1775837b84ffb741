import { Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/**
 * Acknowledges a finding of cdk-nag. Older versions of the CDK do not have `Validations`, nor the plugin that reads what is
 * acknowledged; with them, this does nothing.
 */
export function acknowledgeFinding(construct: IConstruct, id: string, reason: string): void {
  const validations: typeof Validations | undefined = Validations;
  validations?.of(construct).acknowledge({ id, reason });
}

/**
 * Returns a resolved ARN in the form that cdk-nag uses in the id of a finding: with references in angle brackets.
 * Findings are acknowledged by their exact id, next to the code that causes them.
 */
export function nagResource(arn: unknown): string {
  if (typeof arn === 'string') return arn;
  if (typeof arn !== 'object' || arn === null) return '';
  if ('Ref' in arn) return `<${String(arn.Ref)}>`;
  if ('Fn::GetAtt' in arn && Array.isArray(arn['Fn::GetAtt'])) return `<${arn['Fn::GetAtt'].join('.')}>`;
  if ('Fn::Join' in arn && Array.isArray(arn['Fn::Join']) && Array.isArray(arn['Fn::Join'][1])) {
    return arn['Fn::Join'][1].map(nagResource).join('');
  }
  return '';
}
