/** `npm run docs:security`: runs every scenario and writes the table of permissions: who needs each, and for what. */
import { rmSync } from 'node:fs';
import { cellsOf, markdownOf, permissionTable, trustRows } from './permission-table.ts';
import { RecordedRuntime, stackWithShortIntake } from './recorded-runtime.ts';
import { replaceTableOnPage } from './security-page.ts';

const assembly = await stackWithShortIntake();
try {
  const runtime = await RecordedRuntime.start(assembly);
  try {
    const rows = await permissionTable(runtime);
    replaceTableOnPage(markdownOf([...rows.map(cellsOf), ...trustRows(runtime)]));
    console.log(`docs/security.md: ${rows.length} permissions`);
  } finally {
    await runtime.close();
  }
} finally {
  rmSync(assembly, { recursive: true, force: true });
}
