/**
 * Returns a resolved ARN as cdk-nag writes it in the id of a finding: references in angle brackets. Findings are
 * acknowledged by their exact id, next to what causes them.
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
