/**
 * `npm run docs:security`: runs every scenario and writes the table of permissions, with who needs each and for what.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { synthesize } from '../../../bin/up/synthesis.ts';
import { cellsOf, markdownOf, permissionTable, trustRows } from './permission-table.ts';
import { RecordedRuntime, shortenIntake } from './recorded-runtime.ts';
import { replaceTableOnPage } from './security-page.ts';

const assembly = mkdtempSync(join(tmpdir(), 'batchdrop-security-'));
try {
  await synthesize(assembly);
  shortenIntake(assembly);
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
