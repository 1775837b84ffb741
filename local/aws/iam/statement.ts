import { type Condition, parseConditions } from './conditions.ts';

/** Whom a statement of a resource's policy or of a role's trust is about. */
export type StatementPrincipal = 'anybody' | { readonly kind: 'AWS' | 'Service'; readonly name: string };

/** One statement of a policy. */
export interface Statement {
  /** Where it stands, for messages: the policy's logical id and its place in it. */
  readonly id: string;
  readonly effect: 'Allow' | 'Deny';
  readonly actions: readonly string[];
  /** Empty in a role's trust, which is about the role itself. */
  readonly resources: readonly string[];
  /** Empty in a role's own policy, which is about the role. */
  readonly principals: readonly StatementPrincipal[];
  readonly conditions: readonly Condition[];
}

const UNDERSTOOD = new Set(['Sid', 'Effect', 'Action', 'Resource', 'Principal', 'Condition']);

/**
 * Reads the statements of a policy document. Throws a sentence that names the policy for what is not evaluated here:
 * a statement half understood would allow too much or too little.
 */
export function parseStatements(document: unknown, id: string): Statement[] {
  return listOf(Object(document).Statement).map((statement, at) =>
    parseStatement(Object(statement), `${id}.Statement[${at}]`),
  );
}

function parseStatement(statement: Readonly<Record<string, unknown>>, id: string): Statement {
  const foreign = Object.keys(statement).find((name) => !UNDERSTOOD.has(name));
  if (foreign !== undefined) throw new Error(`${id} has ${foreign}, which is not evaluated locally`);
  const { Effect } = statement;
  if (Effect !== 'Allow' && Effect !== 'Deny') throw new Error(`${id}: Effect has to be Allow or Deny`);
  const actions = textsOf(statement.Action, `${id}: Action`);
  if (actions.length === 0) throw new Error(`${id} has no Action`);
  const resources = textsOf(statement.Resource, `${id}: Resource`);
  const variable = resources.find((resource) => resource.includes('${'));
  if (variable !== undefined) {
    throw new Error(`${id} has a policy variable in ${variable}, which is not evaluated locally`);
  }
  return {
    id,
    effect: Effect,
    actions,
    resources,
    principals: parsePrincipals(statement.Principal, id),
    conditions: parseConditions(statement.Condition, id),
  };
}

function parsePrincipals(given: unknown, id: string): StatementPrincipal[] {
  if (given === undefined) return [];
  if (given === '*') return ['anybody'];
  return Object.entries(Object(given)).flatMap(([kind, names]) => {
    if (kind !== 'AWS' && kind !== 'Service') {
      throw new Error(`${id} has a principal of the kind ${kind}, which is not evaluated locally`);
    }
    return textsOf(names, `${id}: Principal`).map((name) => (name === '*' ? 'anybody' : { kind, name }));
  });
}

function textsOf(given: unknown, where: string): string[] {
  return listOf(given).map((each) => {
    if (typeof each === 'string') return each;
    throw new Error(`${where} has to be a text or a list of texts`);
  });
}

/** Policies write one of a thing as itself, several as a list. */
function listOf(given: unknown): unknown[] {
  if (given === undefined) return [];
  return Array.isArray(given) ? given : [given];
}
