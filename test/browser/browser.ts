import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, createWriteStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { createBrotliDecompress } from 'node:zlib';
import { type Browser, chromium } from 'playwright-core';

/** Compressed Chromium, and libraries that a small machine may lack. */
const PACKED = new URL('../../bin/', import.meta.resolve('@sparticuz/chromium'));

/** Whether this machine can run it. The package has Chromium only for Linux on x64. */
export const CAN_RUN = process.platform === 'linux' && process.arch === 'x64';

/** A real Chromium with its web security on. */
export interface OpenBrowser {
  readonly browser: Browser;
  close(): Promise<void>;
}

/**
 * Unpacks Chromium into its own directory, because all users of the machine share the package's default one, and starts
 * it. `hosts` are names that resolve to 127.0.0.1. The package's flags are not used, because they turn web security
 * off.
 */
export async function openBrowser({ hosts }: { hosts: readonly string[] }): Promise<OpenBrowser> {
  const directory = mkdtempSync(join(tmpdir(), 'batchdrop-browser-'));
  try {
    await unpack(directory);
    const browser = await chromium.launch({
      executablePath: join(directory, 'chromium'),
      ignoreDefaultArgs: true,
      args: [
        '--no-sandbox', // a container has no user namespaces
        '--headless=shell',
        '--no-zygote',
        '--no-first-run',
        '--disable-gpu',
        '--disable-dev-shm-usage',
        '--hide-scrollbars', // in pictures
        // Not every browser asks before a page calls this machine, so the guard must work without that question.
        '--disable-features=LocalNetworkAccessChecks',
        '--remote-debugging-pipe',
        `--user-data-dir=${join(directory, 'profile')}`,
        `--host-resolver-rules=${hosts.map((host) => `MAP ${host} 127.0.0.1`).join(', ')}`,
        'about:blank',
      ],
      env: {
        HOME: directory,
        TMPDIR: directory,
        LD_LIBRARY_PATH: join(directory, 'lib'),
        FONTCONFIG_FILE: writeFontSettings(directory),
        LANG: 'en_US.UTF-8', // else `navigator.language` is no language
      },
    });
    return {
      browser,
      async close() {
        await browser.close();
        discard(directory);
      },
    };
  } catch (cause) {
    discard(directory);
    throw cause;
  }
}

async function unpack(directory: string): Promise<void> {
  const packed = (name: string) =>
    createReadStream(fileURLToPath(new URL(name, PACKED))).compose(createBrotliDecompress());
  await pipeline(packed('chromium.br'), createWriteStream(join(directory, 'chromium'), { mode: 0o700 }));
  for (const archive of ['al2023.tar.br', 'fonts.tar.br']) {
    const tar = spawn('tar', ['-x', '-C', directory], { stdio: ['pipe', 'ignore', 'inherit'] });
    const exited = once(tar, 'exit');
    packed(archive).pipe(tar.stdin);
    const [code] = await exited;
    if (code !== 0) throw new Error(`tar ended with ${code}`);
  }
}

/** Pages look the same on every machine: the package's font comes first. Returns the file of settings. */
function writeFontSettings(directory: string): string {
  const file = join(directory, 'font-settings.xml');
  const fonts = { 'system-ui': 'Open Sans', 'sans-serif': 'Open Sans', monospace: 'DejaVu Sans Mono' };
  const preferred = Object.entries(fonts).map(
    ([family, font]) => `<alias><family>${family}</family><prefer><family>${font}</family></prefer></alias>`,
  );
  const folders = [join(directory, 'fonts'), '/usr/share/fonts'].map((folder) => `<dir>${folder}</dir>`);
  const cache = `<cachedir>${join(directory, 'font-cache')}</cachedir>`;
  writeFileSync(file, `<fontconfig>${folders.join('')}${cache}${preferred.join('')}</fontconfig>`);
  return file;
}

/** Chromium's helper processes may write for a moment after its end. */
function discard(directory: string): void {
  rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}
