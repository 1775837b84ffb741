/** Runs the type checker, the linter and knip concurrently for `npm test`, because each alone leaves a core idle. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

const CHECKS = ['typecheck', 'lint', 'knip'];

async function passes(check: string): Promise<boolean> {
  const child = spawn('npm', ['run', '--silent', check], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ]);
  console.log(`${check}: ${code === 0 ? 'passed' : 'failed'}\n${stdout}${stderr}`.trim());
  return code === 0;
}

const outcomes = await Promise.all(CHECKS.map(passes));
process.exitCode = outcomes.every(Boolean) ? 0 : 1;
