/** The codes of OpenAI and other vendors for an account that cannot pay or may not use the service. */
export const ACCOUNT_CODES = [
  'billing_hard_limit_reached',
  'billing_not_active',
  'insufficient_quota',
  'credit_balance_exhausted',
  'organization_usage_limit_exceeded',
  'organization_spend_limit_exceeded',
  'project_spend_limit_exceeded',
  'account_deactivated',
  'not_available_for_plan',
] as const;
