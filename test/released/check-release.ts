/** Checks that a version can be released: `npm run release:check`, or with its tag, `npm run release:check -- v0.1.0`. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { releaseProblems } from './release-problems.ts';
import { RELEASED } from './surface.ts';

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));
const read = (...path: string[]) => readFileSync(join(...path), 'utf8');
const { version } = JSON.parse(read(PROJECT, 'package.json'));
const status = execFileSync('git', ['status', '--porcelain'], { cwd: PROJECT, encoding: 'utf8' });

const problems = releaseProblems({
  version,
  tag: process.argv[2],
  changelog: read(PROJECT, 'CHANGELOG.md'),
  savedSurface: read(RELEASED, 'version.txt').trim(),
  changedFiles: status.split('\n').flatMap((line) => (line === '' ? [] : [line.slice(3)])),
});
for (const problem of problems) console.error(problem);
if (problems.length === 0) console.log(`${version} can be released.`);
process.exitCode = problems.length === 0 ? 0 : 1;
