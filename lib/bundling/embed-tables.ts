import { readFile } from 'node:fs/promises';
import type { Plugin } from 'esbuild';

/**
 * An esbuild plugin. In a bundle, a JSON file of the functions is a text, which is parsed when one of its fields is first
 * read. As code, a table would cost every cold start, whether or not it is used.
 */
export const embedTables: Plugin = {
  name: 'embed-tables',
  setup(build) {
    build.onLoad({ filter: /[/\\]functions[/\\].*\.json$/ }, async ({ path }) => {
      const table: object = JSON.parse(await readFile(path, 'utf8'));
      const fields = Object.keys(table).map(
        (name) => `get ${JSON.stringify(name)}() { return parsed()[${JSON.stringify(name)}]; }`,
      );
      return {
        contents: `let table;
          const parsed = () => (table ??= JSON.parse(${JSON.stringify(JSON.stringify(table))}));
          export default { ${fields.join(', ')} };`,
      };
    });
  },
};
