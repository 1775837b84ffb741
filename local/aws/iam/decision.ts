import type { Need } from './caller.ts';
import { holdAll, type RequestContext } from './conditions.ts';
import type { Statement, StatementPrincipal } from './statement.ts';
import { matchesWildcards } from './wildcards.ts';

/**
 * A role that a function has assumed, an AWS service that acts for itself, or anybody, whose requests are not signed.
 */
export type Principal =
  | { readonly kind: 'role'; readonly roleArn: string; readonly sessionName: string }
  | { readonly kind: 'service'; readonly name: string }
  | { readonly kind: 'anybody' };

/** A request to do one action on one resource. */
export interface AccessRequest extends Need {
  readonly principal: Principal;
  readonly context: RequestContext;
}

/** The policies of a stack, by what they are attached to. */
export interface Policies {
  /** By role ARN: the role's own policies. */
  readonly ofRoles: ReadonlyMap<string, readonly Statement[]>;
  /** By role ARN: the trust policy, which says who may assume it. */
  readonly trust: ReadonlyMap<string, readonly Statement[]>;
  /** By the ARN of the queue, bucket, bus or function. */
  readonly ofResources: ReadonlyMap<string, readonly Statement[]>;
}

/** The result of evaluating the policies. */
export type Verdict = 'allowed' | 'denied explicitly' | 'not allowed';

/**
 * Evaluates policies as IAM does within one account: any Deny takes precedence. Otherwise, one Allow is enough, in the
 * role's or in the resource's policy.
 */
export function decide(policies: Policies, request: AccessRequest): Verdict {
  const { principal, action, resource, context } = request;
  const own = principal.kind === 'role' ? (policies.ofRoles.get(principal.roleArn) ?? []) : [];
  const attached = policies.ofResources.get(holderOf(resource)) ?? [];
  const applying = [...own, ...attached.filter((each) => isAbout(each.principals, principal))].filter(
    (statement) =>
      statement.actions.some((pattern) => isAction(pattern, action)) &&
      statement.resources.some((pattern) => matchesWildcards(pattern, resource)) &&
      holdAll(statement.conditions, context),
  );
  if (applying.some(({ effect }) => effect === 'Deny')) return 'denied explicitly';
  return applying.length > 0 ? 'allowed' : 'not allowed';
}

/** Returns whether a service may assume the role. Checked when a function or a schedule is created. */
export function isTrusted(
  policies: Policies,
  roleArn: string,
  service: string,
  context: RequestContext,
): boolean {
  const asking: Principal = { kind: 'service', name: service };
  const applying = (policies.trust.get(roleArn) ?? []).filter(
    ({ actions, principals, conditions }) =>
      actions.some((pattern) => isAction(pattern, 'sts:AssumeRole')) &&
      isAbout(principals, asking) &&
      holdAll(conditions, context),
  );
  return applying.length > 0 && applying.every(({ effect }) => effect === 'Allow');
}

/** Returns the resource that carries the policy: the bucket for an object, otherwise the resource itself. */
function holderOf(resource: string): string {
  return /^(arn:aws:s3:::[^/]+)/.exec(resource)?.[1] ?? resource;
}

/** Returns whether a pattern matches. Action names are case-insensitive, resources are case-sensitive. */
function isAction(pattern: string, action: string): boolean {
  return matchesWildcards(pattern.toLowerCase(), action.toLowerCase());
}

function isAbout(principals: readonly StatementPrincipal[], asking: Principal): boolean {
  return principals.some((named) => {
    if (named === 'anybody') return true;
    if (asking.kind === 'anybody') return false;
    if (asking.kind === 'service') return named.kind === 'Service' && named.name === asking.name;
    return named.kind === 'AWS' && named.name === asking.roleArn;
  });
}
