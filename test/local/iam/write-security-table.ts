/** `npm run docs:security`: runs the stack through every scenario and writes who needs which permission, and for what. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { synthesize } from '../../../bin/up/synthesis.ts';
import { PermissionStage } from './permission-stage.ts';
import { cellsOf, markdownOf, permissionTable, trustRows } from './permission-table.ts';
import { putTableOnPage } from './security-page.ts';

const assembly = mkdtempSync(join(tmpdir(), 'batchdrop-security-'));
try {
  await synthesize(assembly);
  const stage = await PermissionStage.start(assembly);
  try {
    const rows = await permissionTable(stage);
    putTableOnPage(markdownOf([...rows.map(cellsOf), ...trustRows(stage)]));
    console.log(`docs/security.md: ${rows.length} permissions`);
  } finally {
    await stage.close();
  }
} finally {
  rmSync(assembly, { recursive: true, force: true });
}
