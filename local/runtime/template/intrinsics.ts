/** The values of the names in a template. Each function throws an Error for an unknown name. */
export interface Scope {
  /** Returns the value of `Ref`: a parameter, a pseudo parameter or a resource. `NO_VALUE` for `AWS::NoValue`. */
  ref(name: string): unknown;
  /** Returns the value of `Fn::GetAtt`. */
  attribute(logicalId: string, attribute: string): unknown;
  /** Returns the value of a named condition. */
  condition(name: string): boolean;
  /** Returns a value of the template's Mappings. */
  mapping(name: string, first: string, second: string): unknown;
  /** Returns what a stack of the app exports under a name that is unique in the account. */
  exported(name: string): unknown;
  /** Returns an output of a stack of the app. */
  output(stack: string, name: string): unknown;
}

/** The value of `AWS::NoValue`. A property or list entry with this value is removed. */
export const NO_VALUE = Symbol('AWS::NoValue');

type Resolver = (argument: unknown, scope: Scope) => unknown;

const FUNCTIONS = new Map<string, Resolver>([
  ['Ref', (name, scope) => scope.ref(text(name, 'Ref'))],
  ['Fn::GetAtt', getAttribute],
  ['Fn::Sub', substitute],
  ['Fn::Join', join],
  ['Fn::Select', select],
  ['Fn::Split', split],
  ['Fn::If', choose],
  ['Fn::FindInMap', findInMap],
  ['Fn::Base64', (value, scope) => Buffer.from(text(resolve(value, scope), 'Fn::Base64')).toString('base64')],
  ['Fn::ImportValue', (name, scope) => scope.exported(text(resolve(name, scope), 'Fn::ImportValue'))],
  ['Fn::GetStackOutput', getStackOutput],
]);

/**
 * Replaces the intrinsic functions in a value of a CloudFormation template. Throws an Error for a function that is not
 * supported here, so that no part of a template is ignored.
 */
export function resolve(value: unknown, scope: Scope): unknown {
  if (Array.isArray(value))
    return value.map((each) => resolve(each, scope)).filter((each) => each !== NO_VALUE);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  const only = entries.length === 1 ? entries[0] : undefined;
  if (only !== undefined && (only[0] === 'Ref' || only[0].startsWith('Fn::'))) {
    const resolver = FUNCTIONS.get(only[0]);
    if (resolver === undefined)
      throw new Error(`the template uses ${only[0]}, which the local runtime does not support`);
    return resolver(only[1], scope);
  }
  const resolved = entries.map(([name, each]) => [name, resolve(each, scope)] as const);
  return Object.fromEntries(resolved.filter(([, each]) => each !== NO_VALUE));
}

/** Evaluates a condition: Fn::Equals, Fn::And, Fn::Or, Fn::Not, and other conditions by name. */
export function evaluate(condition: unknown, scope: Scope): boolean {
  const [name, argument] = Object.entries(Object(condition))[0] ?? [];
  const operands = () => list(argument, String(name)).map((each) => evaluate(each, scope));
  switch (name) {
    case 'Condition':
      return scope.condition(text(argument, name));
    case 'Fn::And':
      return operands().every(Boolean);
    case 'Fn::Or':
      return operands().some(Boolean);
    case 'Fn::Not':
      return !operands()[0];
    case 'Fn::Equals': {
      const [left, right] = list(argument, name).map((each) => resolve(each, scope));
      return JSON.stringify(left) === JSON.stringify(right);
    }
    default:
      throw new Error(`the template has a condition with ${name}, which the local runtime does not support`);
  }
}

function getAttribute(argument: unknown, scope: Scope): unknown {
  const path = typeof argument === 'string' ? argument.split('.') : list(argument, 'Fn::GetAtt');
  const [logicalId, ...attribute] = path.map((each) => text(each, 'Fn::GetAtt'));
  return scope.attribute(logicalId ?? '', attribute.join('.'));
}

function substitute(argument: unknown, scope: Scope): string {
  const [pattern, given] = Array.isArray(argument) ? argument : [argument, {}];
  const variables = new Map(Object.entries(Object(resolve(given, scope))));
  return text(pattern, 'Fn::Sub').replaceAll(/\$\{(!?)([^}]+)\}/g, (_, literal: string, name: string) => {
    if (literal) return `\${${name}}`;
    if (variables.has(name)) return text(variables.get(name), 'Fn::Sub');
    const dot = name.indexOf('.');
    const found = dot < 0 ? scope.ref(name) : scope.attribute(name.slice(0, dot), name.slice(dot + 1));
    return text(found, 'Fn::Sub');
  });
}

function join(argument: unknown, scope: Scope): string {
  const [delimiter, parts] = list(argument, 'Fn::Join');
  const resolved = list(resolve(parts, scope), 'Fn::Join');
  return resolved.map((part) => text(part, 'Fn::Join')).join(text(delimiter, 'Fn::Join'));
}

function select(argument: unknown, scope: Scope): unknown {
  const [index, from] = list(argument, 'Fn::Select');
  const choices = list(resolve(from, scope), 'Fn::Select');
  const chosen = choices[Number(resolve(index, scope))];
  if (chosen === undefined) throw new Error(`Fn::Select: no entry ${index} in a list of ${choices.length}`);
  return chosen;
}

function split(argument: unknown, scope: Scope): string[] {
  const [delimiter, whole] = list(argument, 'Fn::Split');
  return text(resolve(whole, scope), 'Fn::Split').split(text(delimiter, 'Fn::Split'));
}

function choose(argument: unknown, scope: Scope): unknown {
  const [condition, yes, no] = list(argument, 'Fn::If');
  return resolve(scope.condition(text(condition, 'Fn::If')) ? yes : no, scope);
}

function findInMap(argument: unknown, scope: Scope): unknown {
  const names = list(resolve(argument, scope), 'Fn::FindInMap');
  const [name = '', first = '', second = ''] = names.map((each) => text(each, 'Fn::FindInMap'));
  return scope.mapping(name, first, second);
}

/** A reference to another stack without an export, as the CDK writes it with the flag `defaultCrossStackReferences`. */
function getStackOutput(argument: unknown, scope: Scope): unknown {
  const { StackName, OutputName } = Object(resolve(argument, scope));
  return scope.output(text(StackName, 'Fn::GetStackOutput'), text(OutputName, 'Fn::GetStackOutput'));
}

function list(value: unknown, where: string): unknown[] {
  if (!Array.isArray(value)) throw new Error(`${where} in the template must be a list`);
  return value;
}

function text(value: unknown, where: string): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new Error(`${where} in the template must be a string, not ${JSON.stringify(value)}`);
}
