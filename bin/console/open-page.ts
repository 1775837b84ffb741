import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { temporaryFolder } from '../terminal/temporary-folder.ts';

const OPENERS: Readonly<Partial<Record<NodeJS.Platform, readonly [string, ...string[]]>>> = {
  darwin: ['open'],
  win32: ['cmd', '/c', 'start', ''],
  linux: ['xdg-open'],
};

/**
 * Opens the address in the user's browser, if there is a screen. Other users of the machine can read the arguments of a
 * process, so the browser gets a file that only this user can read, and that leads to the address. Returns what deletes
 * the file; undefined if nothing was opened.
 */
export function openPage(url: string): (() => void) | undefined {
  const { platform, env, stdout } = process;
  const opener = OPENERS[platform];
  const hasScreen = platform !== 'linux' || Boolean(env.DISPLAY ?? env.WAYLAND_DISPLAY);
  if (opener === undefined || !hasScreen || !stdout.isTTY || env.SSH_CONNECTION !== undefined)
    return undefined;
  const leading = fileLeadingTo(url);
  const [command, ...more] = opener;
  const child = spawn(command, [...more, leading.href], { stdio: 'ignore', detached: true });
  child.on('error', () => {}); // the address was printed
  child.unref();
  return leading.discard;
}

/** Writes a page that only this user can read and that leads to the address. Returns its own address. */
export function fileLeadingTo(url: string): { href: string; discard: () => void } {
  const folder = temporaryFolder('batchdrop-console');
  const file = join(folder.path, 'console.html');
  writeFileSync(file, `<!doctype html><meta http-equiv="refresh" content="0; url=${url}">\n`, {
    mode: 0o600,
  });
  return { href: pathToFileURL(file).href, discard: folder.discard };
}
