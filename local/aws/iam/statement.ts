import { type Condition, parseConditions } from './conditions.ts';

/** The principal of a statement in a resource's policy or a role's trust policy. */
export type StatementPrincipal = 'anybody' | { readonly kind: 'AWS' | 'Service'; readonly name: string };

/** One statement of a policy. */
export interface Statement {
  /** The policy's logical id and the statement's position in it, for error messages. */
  readonly id: string;
  readonly effect: 'Allow' | 'Deny';
  readonly actions: readonly string[];
  /** Empty in a trust policy, which applies to the role itself. */
  readonly resources: readonly string[];
  /** Empty in a role's own policies. */
  readonly principals: readonly StatementPrincipal[];
  readonly conditions: readonly Condition[];
}

const UNDERSTOOD = new Set(['Sid', 'Effect', 'Action', 'Resource', 'Principal', 'Condition']);

/**
 * Parses the statements of a policy document. Throws an Error that names the policy for anything that is not supported
 * here, because ignoring a part of a statement would allow too much or too little.
 */
export function parseStatements(document: unknown, id: string): Statement[] {
  return listOf(Object(document).Statement).map((statement, at) =>
    parseStatement(Object(statement), `${id}.Statement[${at}]`),
  );
}

function parseStatement(statement: Readonly<Record<string, unknown>>, id: string): Statement {
  const foreign = Object.keys(statement).find((name) => !UNDERSTOOD.has(name));
  if (foreign !== undefined)
    throw new Error(`${id} has ${foreign}, which the local runtime does not support`);
  const { Effect } = statement;
  if (Effect !== 'Allow' && Effect !== 'Deny') throw new Error(`${id}: Effect must be Allow or Deny`);
  const actions = textsOf(statement.Action, `${id}: Action`);
  if (actions.length === 0) throw new Error(`${id} has no Action`);
  const resources = textsOf(statement.Resource, `${id}: Resource`);
  const variable = resources.find((resource) => resource.includes('${'));
  if (variable !== undefined) {
    throw new Error(`${id} has a policy variable in ${variable}, which the local runtime does not support`);
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
      throw new Error(`${id} has a principal of type ${kind}, which the local runtime does not support`);
    }
    return textsOf(names, `${id}: Principal`).map((name) => (name === '*' ? 'anybody' : { kind, name }));
  });
}

function textsOf(given: unknown, where: string): string[] {
  return listOf(given).map((each) => {
    if (typeof each === 'string') return each;
    throw new Error(`${where} must be a string or a list of strings`);
  });
}

/** Returns a list. Policies may contain a single value instead of a list. */
function listOf(given: unknown): unknown[] {
  if (given === undefined) return [];
  return Array.isArray(given) ? given : [given];
}
