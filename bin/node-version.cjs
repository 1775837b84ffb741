// Preloaded by the npm scripts, because an older Node cannot parse the TypeScript that would print this message.
const major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
  console.error(
    `Batchdrop needs Node 24 or newer; this is Node ${process.versions.node} (${process.execPath}).\n` +
      'Run it with npm start, npm run batchdrop --, or npx batchdrop: npm ci installs Node 24 for the project.\n' +
      'If it did not, enable install scripts: see allowScripts in package.json.',
  );
  process.exit(1);
}

// Compiled code is kept between runs: a command then starts in half the time.
require('node:module').enableCompileCache(
  require('node:path').join(__dirname, '../node_modules/.cache/node-compile'),
);
