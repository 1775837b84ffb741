import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { freshClone } from '../stack/fresh-clone.ts';
import { temporaryDirectory } from '../stack/synthesis.ts';
import { run, theTemplate, unpacked } from './written-template.ts';

const INSTALLED = fileURLToPath(new URL('../../node_modules', import.meta.url));

let archive: string;
let release: string;

beforeAll(async () => {
  ({ archive } = await theTemplate());
  release = await unpacked();
});

describe('the archive of a release', () => {
  it('contains what its checksums say, and its own checksum is next to it', async () => {
    const checked = await run('sha256sum', ['--check', '--strict', 'SHA256SUMS'], { cwd: release });
    const files = readdirSync(release, { recursive: true, encoding: 'utf8' }).filter((path) =>
      statSync(join(release, path)).isFile(),
    );
    expect(checked.stdout.match(/: OK$/gm)).toHaveLength(files.length - 1); // all but SHA256SUMS
    await run('sha256sum', ['--check', '--strict', `${basename(archive)}.sha256`], {
      cwd: dirname(archive),
    });
  });

  it('has the bytes that a build elsewhere has', async () => {
    const clone = freshClone('examples', 'LICENSE');
    // As after `npm ci`: esbuild puts the place of a package behind a link into the names of its files.
    rmSync(join(clone, 'node_modules'));
    await run('sh', [
      '-c',
      'cp -al "$0" "$1" 2>/dev/null || cp -a "$0/." "$1"',
      INSTALLED,
      join(clone, 'node_modules'),
    ]);
    await run(process.execPath, ['lib/template/write-template.ts'], { cwd: clone });
    const other = readFileSync(join(clone, 'dist', basename(archive)));
    expect(other.equals(readFileSync(archive))).toBe(true);
  });

  it('contains the code of each function of the template, as an archive named after its checksum that everybody may read', async () => {
    const functions = readdirSync(join(release, 'functions'));
    const template = readFileSync(join(release, 'batchdrop.template.json'), 'utf8');
    const named = [...template.matchAll(/functions\/([a-z]+-[0-9a-f]+\.zip)/g)].map(([, name]) => name);
    expect(named).toHaveLength(6);
    expect(functions.sort()).toEqual(named.sort());
    for (const name of functions) {
      const path = join(release, 'functions', name);
      const checksum = createHash('sha256').update(readFileSync(path)).digest('hex');
      expect(name).toMatch(new RegExp(`^[a-z]+-${checksum.slice(0, 16)}\\.zip$`));
      const code = temporaryDirectory();
      await run('unzip', ['-q', path, '-d', code]);
      const files = readdirSync(code);
      expect(files).toEqual(expect.arrayContaining(['index.js', 'package.json']));
      for (const file of files) expect(statSync(join(code, file)).mode & 0o444, file).toBe(0o444);
    }
  });

  it('has recipes that can be run', () => {
    expect(statSync(join(release, 'recipes', 'deploy.sh')).mode & 0o111).toBe(0o111);
  });
});
