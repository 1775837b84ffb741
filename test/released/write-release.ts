/** Records the public surface of this version: `npm run package:release`, once for each release. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildPackage } from '../../lib/bundling/build-package.ts';
import { RELEASED, releaseOf } from './surface.ts';

for (const [name, text] of Object.entries(releaseOf(await buildPackage()))) {
  writeFileSync(join(RELEASED, name), text);
  console.log(`test/released/${name}`);
}
