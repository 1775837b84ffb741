import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const MODULE = fileURLToPath(new URL('../../local/lambda/provided-modules.ts', import.meta.url));
const run = promisify(execFile);

/** An app with modules of its own; the code of its functions lies in a folder of it, as under `.batchdrop`. */
let app: string;

beforeAll(() => {
  app = realpathSync(mkdtempSync(join(tmpdir(), 'batchdrop-modules-')));
  write('node_modules/lodash/index.js', 'module.exports = "of the app";');
  write(
    'node_modules/@aws-sdk/client-s3/index.js',
    'module.exports = require("helper") + require("node:path").sep;',
  );
  write('node_modules/helper/index.js', 'module.exports = "SDK of the app";');
  write('runtime/node_modules/@aws-sdk/client-sqs/index.js', 'module.exports = "SDK of the runtime";');
});

afterAll(() => rmSync(app, { recursive: true, force: true }));

function write(file: string, text: string): void {
  mkdirSync(dirname(join(app, file)), { recursive: true });
  writeFileSync(join(app, file), text);
}

let functions = 0;

/** Returns what the code of a function exports, or the sentence of its error. */
async function loaded(code: string, more: Record<string, string> = {}): Promise<string> {
  functions += 1;
  const root = `.batchdrop/app/asset.${functions}`;
  for (const [file, text] of Object.entries({ 'index.js': code, ...more })) write(`${root}/${file}`, text);
  const program = `
    const { provideModules } = await import(${JSON.stringify(MODULE)});
    provideModules(${JSON.stringify(join(app, root))}, ${JSON.stringify([app, join(app, 'runtime')])});
    const loading = import(${JSON.stringify(join(app, root, 'index.js'))});
    console.log(await loading.then((found) => found.default, (error) => error.message));
  `;
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', program]);
  return stdout.trim();
}

describe('the code of a function', () => {
  it('has its own files and modules, and those of Node', async () => {
    const code =
      'module.exports = require("./own.js") + require("bundled") + typeof require("fs").readFileSync;';
    const more = {
      'own.js': 'module.exports = "own ";',
      'node_modules/bundled/index.js': 'module.exports = "bundled ";',
    };
    expect(await loaded(code, more)).toBe('own bundled function');
  });

  it('has the SDK of the app, with all that it needs', async () => {
    expect(await loaded('module.exports = require("@aws-sdk/client-s3");')).toBe('SDK of the app/');
    expect(await loaded('import s3 from "@aws-sdk/client-s3"; export default s3;')).toBe('SDK of the app/');
  });

  it('has the SDK of the runtime where the app has none, and otherwise says what to install', async () => {
    expect(await loaded('module.exports = require("@aws-sdk/client-sqs");')).toBe('SDK of the runtime');
    expect(await loaded('require("@aws-sdk/lib-dynamodb/x");')).toBe(
      '"@aws-sdk/lib-dynamodb/x" is part of Lambda, but not of this machine: npm install --save-dev @aws-sdk/lib-dynamodb',
    );
  });

  it.each(['require("lodash");', 'import "lodash";', 'require("../../../node_modules/lodash");'])(
    'has no module of the app, because Lambda would not find it: %s',
    async (code) => {
      expect(await loaded(code)).toMatch(
        /^"[./\w]*lodash" is outside the function's code, so that Lambda would not find it: bundle it/,
      );
    },
  );
});
