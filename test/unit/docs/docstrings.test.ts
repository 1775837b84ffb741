import { expect, it } from 'vitest';
import {
  type Declaration,
  type Docstring,
  publishedDeclarations,
} from '../../../docs/published-declarations.ts';

const published = [...publishedDeclarations()].flatMap(([entry, declarations]) =>
  declarations.map((declaration) => ({ entry, declaration })),
);

/** The docstrings of declarations and of their members, by name. */
function docsOf(declarations: readonly Declaration[]): [name: string, doc: Docstring | undefined][] {
  return declarations.flatMap(({ name, doc, members }) => [
    [name, doc] as [string, Docstring | undefined],
    ...members.map((member): [string, Docstring | undefined] => [`${name}.${member.name}`, member.doc]),
  ]);
}

it('every declaration that the package exports, and every member of it, has a docstring', () => {
  const docs = docsOf(published.map(({ declaration }) => declaration));
  expect(docs.length).toBeGreaterThan(300);
  expect(
    docs.filter(([, doc]) => !/^[A-Z`].*[.`a-z)]$/s.test(doc?.text ?? '')).map(([name]) => name),
  ).toEqual([]);
});

it('every declaration has an example, and so has every prop, property, and method of the constructs', () => {
  const examined = published.flatMap(({ entry, declaration }) => {
    const members = declaration.members.filter(({ kind }) => kind !== 'constructor');
    return docsOf([{ ...declaration, members: entry === 'batchdrop' ? members : [] }]);
  });
  expect(examined.length).toBeGreaterThan(180);
  const without = examined.filter(([, doc]) => doc?.examples.length !== 1 || doc.examples[0] === '');
  expect(without.map(([name]) => name)).toEqual([]);
});
