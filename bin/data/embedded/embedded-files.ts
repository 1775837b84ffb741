/**
 * Reads the files that a data file names, below one directory. The names come from the data, which others may have
 * written, so nothing outside of the directory is read: neither by an absolute path, nor by `..`, nor by a symlink.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync, realpathSync } from 'node:fs';
import { isAbsolute, join, relative, win32 } from 'node:path';
import { FILE_LIMITS } from '../../../functions/shared/contract/request-file.ts';
import { Failure } from '../../terminal/failure.ts';
import { BadValue } from '../requests/fill-place.ts';
import { mediaTypeOf } from './media-type.ts';

/** Base64 has four bytes for three. */
const MAX_BYTES = Math.floor((FILE_LIMITS.rowBytes * 3) / 4);

/** Returns a function that reads a file below the directory as a data URL. Its errors: BadValue. Throws a Failure. */
export function dataUrlsBelow(directory: string): (name: string) => string {
  const root = realDirectory(directory);
  return (name) => {
    const content = contentOf(pathBelow(root, name), name);
    const type = mediaTypeOf(name, content);
    if (type === undefined)
      throw new BadValue(`${JSON.stringify(name)} has no known media type by its content or its extension`);
    return `data:${type};base64,${content.toString('base64')}`;
  };
}

function realDirectory(directory: string): string {
  try {
    return realpathSync(directory);
  } catch (cause) {
    throw new Failure(`--files ${directory} cannot be read: ${messageOf(cause)}`, { cause });
  }
}

function pathBelow(root: string, name: string): string {
  const quoted = JSON.stringify(name);
  if (name === '') throw new BadValue('is empty; it must name a file below the directory of --files');
  if (isAbsolute(name) || win32.isAbsolute(name) || name.split(/[/\\]/).includes('..') || name.includes('\0'))
    throw new BadValue(`${quoted} must be a relative path without '..'`);
  let path: string;
  try {
    path = realpathSync(join(root, name));
  } catch (cause) {
    throw new BadValue(`${quoted} cannot be read: ${messageOf(cause)}`, { cause });
  }
  const below = relative(root, path);
  if (below === '' || below.split(/[/\\]/)[0] === '..' || isAbsolute(below))
    throw new BadValue(`${quoted} is not below the directory of --files`);
  return path;
}

function contentOf(path: string, name: string): Buffer {
  const quoted = JSON.stringify(name);
  let file: number;
  try {
    // The path is real, so a symlink can only have come since then. A pipe must not stop the command.
    file = openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  } catch (cause) {
    throw new BadValue(`${quoted} cannot be read: ${messageOf(cause)}`, { cause });
  }
  try {
    const facts = fstatSync(file);
    if (!facts.isFile()) throw new BadValue(`${quoted} is not a regular file`);
    if (facts.size === 0) throw new BadValue(`${quoted} is empty`);
    if (facts.size > MAX_BYTES)
      throw new BadValue(`${quoted} has ${facts.size} bytes; at most ${MAX_BYTES} fit in a row as base64`);
    return readFileSync(file);
  } finally {
    closeSync(file);
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
