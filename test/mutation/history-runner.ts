import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { History, HistoryReport } from './history-process.ts';

const SILENCE_MS = 120_000; // a history takes a tenth of a second, on a busy machine a few times as long

/** Plays histories in a tree until one is broken. Fewer when one did not end, or when the process died. */
export async function playIn(
  tree: string,
  histories: readonly History[],
): Promise<{ reports: HistoryReport[]; ended: 'well' | 'hung' | 'died' }> {
  const child = spawn(process.execPath, [join(tree, 'test/mutation/history-process.ts')], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  let said = '';
  let hung = false;
  const timer = setTimeout(() => {
    hung = true;
    child.kill('SIGKILL');
  }, SILENCE_MS);
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    said += piece;
    timer.refresh();
  });
  child.stdin.on('error', () => undefined); // it died: its code says so
  child.stdin.end(JSON.stringify(histories));
  const [code] = await once(child, 'close');
  clearTimeout(timer);
  const lines = said.split('\n').slice(0, -1); // what follows the last line feed was not finished
  const reports = lines.map((line) => JSON.parse(line) as HistoryReport);
  if (hung) return { reports, ended: 'hung' };
  return { reports, ended: code === 0 ? 'well' : 'died' };
}
