/** Keeps what this version promises: `npm run package:release`, once, when it is released. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildPackage } from '../../lib/bundling/build-package.ts';
import { RELEASED, releaseOf } from './surface.ts';

for (const [name, text] of Object.entries(releaseOf(await buildPackage()))) {
  writeFileSync(join(RELEASED, name), text);
  console.log(`test/released/${name}`);
}
