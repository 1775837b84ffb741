/**
 * Writes docs/api.md from the docstrings of what the package exports: `npm run docs:api`.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  type Declaration,
  type Docstring,
  type Member,
  publishedDeclarations,
} from './published-declarations.ts';

const PAGE = fileURLToPath(new URL('./api.md', import.meta.url));

const HEAD = `# API

What the package exports. \`batchdrop\` has the construct for CDK apps. \`batchdrop/events\` has the types, patterns, and schemas
of the events and messages, without the CDK. [Events](events.md) describes the fields of each event.

In the examples, \`app\`, \`stack\`, \`queue\`, \`topic\`, \`vpc\`, and the bucket \`inbox\` are objects of the CDK, \`reportFunction\` is a Lambda function,
\`batchdrop\` is a \`Batchdrop\`, and \`event\` is an event that a Lambda function received.

\`npm run docs:api\` generates this page from the docstrings. A test compiles each example.
`;

const KINDS: readonly { kind: Declaration['kind']; title: string }[] = [
  { kind: 'class', title: 'Classes' },
  { kind: 'function', title: 'Functions' },
  { kind: 'constant', title: 'Constants' },
  { kind: 'interface', title: 'Interfaces' },
  { kind: 'type', title: 'Types' },
];

/** Returns the whole page. */
export function apiPage(): string {
  const entries = [...publishedDeclarations()].map(([name, declarations]) => entryPart(name, declarations));
  return [HEAD, ...entries].join('\n');
}

function entryPart(name: string, declarations: readonly Declaration[]): string {
  const parts = KINDS.flatMap(({ kind, title }) => {
    const ofKind = declarations.filter((declaration) => declaration.kind === kind);
    return ofKind.length === 0 ? [] : [`### ${title}\n`, ...ofKind.map(declarationPart)];
  });
  return [`## ${name}\n`, ...parts].join('\n');
}

function declarationPart({ name, kind, signature, doc, members }: Declaration): string {
  const lead = kind === 'constant' ? [] : [`\`${signature}\`\n`];
  const properties = members.filter((member) => member.kind === 'property');
  const methods = members.filter((member) => member.kind !== 'property');
  return [
    `#### ${name}\n`,
    ...lead,
    `${doc?.text ?? ''}\n`,
    ...examplesOf(doc),
    ...(properties.length === 0 ? [] : [`${properties.map(listed).join('\n')}\n`]),
    ...methods.map(methodPart),
  ].join('\n');
}

function methodPart({ signature, doc }: Member): string {
  return [`**\`${signature}\`**\n`, `${doc?.text ?? ''}\n`, ...examplesOf(doc)].join('\n');
}

/** Returns a property as an item of a list, with its default and its example. */
function listed({ signature, doc }: Member): string {
  const example = doc?.examples[0];
  return [
    `- **\`${signature.replace(/^([^?]*\?:.*) \| undefined$/, '$1')}\`**:`,
    ...(doc === undefined ? [] : [indented(doc.text)]),
    ...(doc?.defaultValue === undefined ? [] : [indented(`Default: ${defaultOf(doc.defaultValue)}`)]),
    ...(example === undefined ? [] : [indented(`Example: \`${example}\``)]),
  ].join('\n');
}

/** Returns a default as prose: the CDK writes a value without quotes, and a hyphen before a description. */
function defaultOf(value: string): string {
  const [, code = '', description] = /^(.*?)(?:(?:^| )- ([\s\S]*))?$/.exec(value) ?? [];
  const said = code === '' ? [] : [`\`${code}\``];
  return `${[...said, ...(description === undefined ? [] : [description])].join(': ')}.`;
}

function examplesOf(doc: Docstring | undefined): string[] {
  return (doc?.examples ?? []).map((example) => `\`\`\`ts\n${example}\n\`\`\`\n`);
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, '  ');
}

if (import.meta.main) writeFileSync(PAGE, apiPage());
