import { type AccessRequest, decide, type Policies } from '../../../local/aws/iam/decision.ts';
import type { Statement } from '../../../local/aws/iam/statement.ts';

/** One action on one resource, allowed by one statement: the smallest part that can be removed. */
export interface Permission {
  /** The owner of the policy: the ARN of a role, or of the resource to which the policy is attached. */
  readonly holder: string;
  readonly statement: Statement;
  readonly action: string;
  readonly resource: string;
}

type Edit = (statement: Statement, holder: string) => Statement[];

/** Returns every permission of the policies, in the order of the template. */
export function permissionsOf(policies: Policies): Permission[] {
  return [...policies.ofRoles, ...policies.ofResources].flatMap(([holder, statements]) =>
    statements
      .filter(({ effect }) => effect === 'Allow')
      .flatMap((statement) =>
        statement.resources.flatMap((resource) =>
          statement.actions.map((action) => ({ holder, statement, action, resource })),
        ),
      ),
  );
}

/** Returns the policies without the permission. The rest of its statement remains. */
export function withoutPermission(
  policies: Policies,
  { holder, statement, action, resource }: Permission,
): Policies {
  return edited(policies, (each, its) => {
    if (each.id !== statement.id || its !== holder) return [each];
    const ofOthers = { ...each, actions: each.actions.filter((name) => name !== action) };
    const elsewhere = {
      ...each,
      actions: [action],
      resources: each.resources.filter((name) => name !== resource),
    };
    return [ofOthers, elsewhere];
  });
}

/** Returns the policies without a statement. */
export function withoutStatement(policies: Policies, id: string): Policies {
  return edited(policies, (each) => (each.id === id ? [] : [each]));
}

/** Returns whether a request that is allowed would be denied without the permission. */
export function dependsOn(policies: Policies, permission: Permission, request: AccessRequest): boolean {
  return (
    decide(policies, request) === 'allowed' &&
    decide(withoutPermission(policies, permission), request) !== 'allowed'
  );
}

function edited(policies: Policies, edit: Edit): Policies {
  const inAll = (all: Policies['ofRoles']) =>
    new Map([...all].map(([holder, list]) => [holder, list.flatMap((each) => edit(each, holder))]));
  return {
    ofRoles: inAll(policies.ofRoles),
    ofResources: inAll(policies.ofResources),
    trust: inAll(policies.trust),
  };
}
