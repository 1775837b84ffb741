/**
 * What the package publishes, read from the source: every declaration that the entries of package.json export, with its
 * docstring and its members. `write-api.ts` writes docs/api.md from it, and tests check the docstrings.
 */
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type ClassElement,
  type Comment,
  type Declaration as DeclarationNode,
  type MethodDefinitionKind,
  parseSync,
  type Span,
  type TSSignature,
} from 'oxc-parser';

const PROJECT = fileURLToPath(new URL('../', import.meta.url));

/** What a docstring says: its text, and the code of `@default` and of each `@example`. */
export interface Docstring {
  readonly text: string;
  readonly defaultValue: string | undefined;
  readonly examples: readonly string[];
}

/** A member of a class or an interface. */
export interface Member {
  readonly name: string;
  readonly kind: 'constructor' | 'method' | 'property';
  /** As in the source, without the body and without `readonly`. */
  readonly signature: string;
  readonly doc: Docstring | undefined;
}

/** One exported declaration. */
export interface Declaration {
  readonly name: string;
  readonly kind: 'class' | 'interface' | 'function' | 'constant' | 'type';
  /** As in the source: the head of a class, an interface or a function, or else the whole declaration. */
  readonly signature: string;
  readonly doc: Docstring | undefined;
  readonly members: readonly Member[];
}

/** The text of a file, and its comments. */
interface Source {
  readonly file: string;
  readonly text: string;
  readonly comments: readonly Comment[];
}

/** Returns the declarations of each entry of the package, by the name that an app imports, in the order of their export. */
export function publishedDeclarations(): Map<string, Declaration[]> {
  const { name, exports } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8'));
  return new Map(
    Object.entries<string>(exports).map(([path, file]) => [
      path.replace('.', name),
      declarationsBehind(join(PROJECT, file)),
    ]),
  );
}

function declarationsBehind(entry: string): Declaration[] {
  return parsed(entry).body.flatMap((statement) => {
    if (statement.type !== 'ExportNamedDeclaration' || statement.source === null)
      throw new Error(`${entry} may only contain \`export { … } from\``);
    const file = join(dirname(entry), statement.source.value);
    const declared = declarationsIn(file);
    return statement.specifiers.map(({ local, exported }) => {
      const found = declared.find(({ name }) => name === nameOf(local));
      if (found === undefined || nameOf(exported) !== found.name)
        throw new Error(
          `${entry} exports ${nameOf(local)}, which ${relative(PROJECT, file)} does not declare`,
        );
      return found;
    });
  });
}

function declarationsIn(file: string): Declaration[] {
  const { source, body } = parsed(file);
  return body.flatMap((statement) => {
    if (statement.type !== 'ExportNamedDeclaration' || statement.declaration === null) return [];
    const declared = declarationOf(source, statement.declaration);
    return declared === undefined ? [] : [{ ...declared, doc: docBefore(source, statement.start) }];
  });
}

function parsed(file: string) {
  const text = readFileSync(file, 'utf8');
  const { program, comments, errors } = parseSync(file, text);
  if (errors[0]) throw new Error(`parse ${file}: ${errors[0].message}`);
  return { source: { file, text, comments }, body: program.body };
}

function declarationOf(source: Source, node: DeclarationNode): Omit<Declaration, 'doc'> | undefined {
  const whole = oneLine(source, node);
  switch (node.type) {
    case 'ClassDeclaration':
      return {
        name: node.id?.name ?? '',
        kind: 'class',
        signature: headOf(source, node, node.body),
        members: node.body.body.flatMap((element) => memberOfClass(source, element)),
      };
    case 'TSInterfaceDeclaration':
      return {
        name: node.id.name,
        kind: 'interface',
        signature: headOf(source, node, node.body),
        members: node.body.body.flatMap((element) => memberOfInterface(source, element)),
      };
    case 'FunctionDeclaration':
      return {
        name: node.id?.name ?? '',
        kind: 'function',
        signature: headOf(source, node, node.body),
        members: [],
      };
    case 'TSTypeAliasDeclaration':
      return { name: node.id.name, kind: 'type', signature: whole, members: [] };
    case 'VariableDeclaration': {
      const [variable] = node.declarations;
      const name = variable?.id.type === 'Identifier' ? variable.id.name : '';
      return { name, kind: 'constant', signature: whole, members: [] };
    }
    default:
      return undefined;
  }
}

function memberOfClass(source: Source, element: ClassElement): Member[] {
  if (element.type !== 'MethodDefinition' && element.type !== 'PropertyDefinition') return [];
  if (element.key.type === 'PrivateIdentifier' || element.accessibility === 'private') return [];
  const name = keyOf(source, element.key);
  if (name.startsWith('_')) return []; // internal: jsii asks for this name
  const body = 'kind' in element ? element.value.body : null;
  const kind = 'kind' in element ? kindOfMethod(element.kind) : 'property';
  const signature = headOf(source, element, body);
  return [{ name, kind, signature, doc: docBefore(source, element.start) }];
}

function kindOfMethod(kind: MethodDefinitionKind): Member['kind'] {
  return kind === 'get' || kind === 'set' ? 'property' : kind;
}

function memberOfInterface(source: Source, element: TSSignature): Member[] {
  if (element.type === 'TSIndexSignature') return []; // the docstring of the interface describes it
  if (element.type !== 'TSPropertySignature' && element.type !== 'TSMethodSignature')
    throw new Error(`${source.file}: what is \`${oneLine(source, element)}\` in the documentation?`);
  const kind = element.type === 'TSMethodSignature' ? 'method' : 'property';
  const name = keyOf(source, element.key);
  return [{ name, kind, signature: oneLine(source, element), doc: docBefore(source, element.start) }];
}

function nameOf(name: { name: string } | { value: string }): string {
  return 'name' in name ? name.name : name.value;
}

function keyOf(source: Source, key: Span): string {
  return source.text.slice(key.start, key.end).replaceAll("'", '');
}

/** Returns the text of a node up to its body. */
function headOf(source: Source, node: Span, body: Span | null): string {
  return oneLine(source, { start: node.start, end: body?.start ?? node.end });
}

function oneLine({ text }: Source, { start, end }: Span): string {
  return text
    .slice(start, end)
    .replaceAll(/\/\*\*[\s\S]*?\*\//g, '')
    .replaceAll(/\s+/g, ' ')
    .replace(/^readonly /, '')
    .replace(/[ ;]+$/, '')
    .replaceAll('( ', '(')
    .replaceAll(/, ?\)/g, ')');
}

/** Returns the docstring that ends just before a place. */
function docBefore({ text, comments }: Source, place: number): Docstring | undefined {
  const comment = comments.findLast(({ end }) => end <= place);
  if (comment === undefined || !comment.value.startsWith('*')) return undefined;
  if (text.slice(comment.end, place).trim() !== '') return undefined;
  const lines = comment.value
    .slice(1)
    .split('\n')
    .map((line) => line.replace(/^ *\* ?/, '').trimEnd());
  const [said = '', ...tags] = lines.join('\n').split(/^ ?@/m);
  const tagged = (name: string) =>
    tags.filter((tag) => tag.startsWith(`${name}`)).map((tag) => tag.slice(name.length).trim());
  return { text: said.trim(), defaultValue: tagged('default')[0], examples: tagged('example') };
}
