import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dataUrlsBelow } from '../../../bin/data/embedded/embedded-files.ts';
import { BadValue } from '../../../bin/data/requests/fill-place.ts';

const PNG = Buffer.from('\x89PNG\r\n\x1a\n\0\0', 'latin1');

let outside: string;
let directory: string;
let urlOf: (name: string) => string;

beforeAll(() => {
  outside = realpathSync(mkdtempSync(join(tmpdir(), 'batchdrop-embedded-')));
  directory = join(outside, 'images');
  mkdirSync(join(directory, 'sub'), { recursive: true });
  writeFileSync(join(outside, 'secret.txt'), 'secret');
  writeFileSync(join(directory, 'a.png'), PNG);
  writeFileSync(join(directory, 'sub', 'note.TXT'), 'Hi');
  writeFileSync(join(directory, 'really-a-png.jpg'), PNG);
  writeFileSync(join(directory, 'fake.png'), 'not a picture');
  writeFileSync(join(directory, 'empty.txt'), '');
  writeFileSync(join(directory, 'huge.txt'), '');
  truncateSync(join(directory, 'huge.txt'), 30_000_000);
  symlinkSync(join(outside, 'secret.txt'), join(directory, 'link.txt'));
  symlinkSync(outside, join(directory, 'up'));
  symlinkSync('sub/note.TXT', join(directory, 'within.txt'));
  execFileSync('sh', ['-c', 'mkfifo pipe.txt'], { cwd: directory });
  urlOf = dataUrlsBelow(directory);
});

afterAll(() => rmSync(outside, { recursive: true, force: true }));

describe('a file that the data names', () => {
  it('is embedded with the type of its content, or of its extension', () => {
    expect(urlOf('a.png')).toBe(`data:image/png;base64,${PNG.toString('base64')}`);
    expect(urlOf('really-a-png.jpg')).toMatch(/^data:image\/png;/);
    expect(urlOf('sub/note.TXT')).toBe('data:text/plain;base64,SGk=');
    expect(urlOf('./sub/../sub/note.TXT'.replace('../sub/', ''))).toBe('data:text/plain;base64,SGk=');
    expect(urlOf('within.txt')).toBe('data:text/plain;base64,SGk=');
  });

  it.each([
    ['\x89PNG\r\n\x1a\n', 'image/png'],
    ['\xff\xd8\xff\xe0', 'image/jpeg'],
    ['GIF89a', 'image/gif'],
    ['RIFF\0\0\0\0WEBP', 'image/webp'],
    ['RIFF\0\0\0\0WAVE', 'audio/wav'],
    ['%PDF-1.7', 'application/pdf'],
    ['\0\0\0\x18ftypmp42', 'video/mp4'],
  ])('that begins with %j is %s', (content, type) => {
    writeFileSync(join(directory, 'unnamed'), Buffer.from(content, 'latin1'));
    expect(urlOf('unnamed')).toMatch(new RegExp(`^data:${type};base64,`));
  });

  it.each([
    ['../secret.txt', "must be a relative path without '..'"],
    ['sub/../../secret.txt', "must be a relative path without '..'"],
    ['sub\\..\\..\\secret.txt', "must be a relative path without '..'"],
    ['/etc/passwd', 'must be a relative path'],
    ['C:\\secret.txt', 'must be a relative path'],
    ['a.png\0.txt', 'must be a relative path'],
    ['link.txt', 'is not below the directory'],
    ['up/secret.txt', 'is not below the directory'],
    ['.', 'is not below the directory'],
    ['', 'is empty'],
    ['none.png', 'cannot be read: ENOENT'],
    ['sub', 'is not a regular file'],
    ['pipe.txt', 'is not a regular file'],
    ['empty.txt', 'is empty'],
    ['huge.txt', 'has 30000000 bytes'],
    ['fake.png', 'has no known media type'],
  ])('as %j is refused', (name, message) => {
    expect(() => urlOf(name)).toThrow(message);
    expect(() => urlOf(name)).toThrow(BadValue);
  });

  it('needs a directory that is there', () => {
    expect(() => dataUrlsBelow(join(outside, 'none'))).toThrow('--files');
  });
});
