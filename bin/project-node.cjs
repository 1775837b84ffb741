// Runs a file with the Node that npm ci installed for the project: the Node of a global cdk may be too old for TypeScript.
const { spawnSync } = require('node:child_process');
const { existsSync } = require('node:fs');
const { join } = require('node:path');

const installed = join(
  __dirname,
  '../node_modules/node/bin',
  process.platform === 'win32' ? 'node.exe' : 'node',
);
const node = existsSync(installed) ? installed : process.execPath;
const args = ['--require', join(__dirname, 'node-version.cjs'), ...process.argv.slice(2)];
const { status, error } = spawnSync(node, args, { stdio: 'inherit' });
if (error) throw error;
process.exitCode = status ?? 1;
