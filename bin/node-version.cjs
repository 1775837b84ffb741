// Preloaded by the npm scripts: an older Node cannot even read the TypeScript that would complain about it.
const major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
  console.error(
    `Batchdrop needs Node 24 or newer; this is Node ${process.versions.node} (${process.execPath}).\n` +
      'Run it by npm (npm start, npm run batchdrop --, npx batchdrop): npm ci installs a Node 24 for the project.\n' +
      'If it did not, install scripts may be switched off: see allowScripts in package.json.',
  );
  process.exit(1);
}
