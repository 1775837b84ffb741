/** Checks a request file in its own process, for `scanner-module.test.ts`. */
import { createReadStream } from 'node:fs';
import { validateRequestFile } from '../../../functions/shared/request-file/validate-request-file.ts';
import { scannerModule } from '../../../functions/shared/scanner/scanner-module.ts';
import { peakMemoryMb } from '../../../local/lambda/peak-memory.ts';
import { createInMemoryRowTables } from '../../fakes/in-memory-row-tables.ts';

const [file = ''] = process.argv.slice(2);
const checked = await validateRequestFile(() => createReadStream(file), createInMemoryRowTables());
const peakMb = peakMemoryMb();
process.stdout.write(JSON.stringify({ hasScanner: scannerModule() !== null, checked, peakMb }));
