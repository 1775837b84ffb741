import { type AccessRequest, decide, type Policies } from '../../../local/aws/iam/decision.ts';
import type { Statement } from '../../../local/aws/iam/statement.ts';

/** One action on one resource, allowed by one statement: the least that can be taken away. */
export interface Atom {
  /** Whose policy it is: the ARN of a role, or of the resource that the policy is attached to. */
  readonly holder: string;
  readonly statement: Statement;
  readonly action: string;
  readonly resource: string;
}

type Edit = (statement: Statement, holder: string) => Statement[];

/** Every atom that allows something, in the order of the template. */
export function atomsOf(policies: Policies): Atom[] {
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

/** The policies without it; the rest of its statement stays. */
export function withoutAtom(policies: Policies, { holder, statement, action, resource }: Atom): Policies {
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

/** The policies without a whole statement. */
export function withoutStatement(policies: Policies, id: string): Policies {
  return edited(policies, (each) => (each.id === id ? [] : [each]));
}

/** Whether a request that was allowed would be refused without the atom. */
export function hangsOn(policies: Policies, atom: Atom, request: AccessRequest): boolean {
  return (
    decide(policies, request) === 'allowed' && decide(withoutAtom(policies, atom), request) !== 'allowed'
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
