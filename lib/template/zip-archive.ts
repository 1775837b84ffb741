/**
 * Writes zip archives whose bytes depend on nothing but the names and the contents of the files: no times, no order of a
 * directory, no compression, because the output of zlib differs between its versions and between processors. So anybody
 * who builds a release again gets the same checksums.
 */
import { crc32 } from 'node:zlib';

const LOCAL_HEADER = 0x04034b50;
const CENTRAL_HEADER = 0x02014b50;
const END_OF_DIRECTORY = 0x06054b50;
const VERSION = 20; // 2.0: folders
const MADE_ON_UNIX = (3 << 8) | VERSION;
const FIRST_DAY = 0x21; // 1980-01-01, the earliest date of the format
const READABLE = 0o100644 * 0x10000; // a file that Lambda's user may read
const EXECUTABLE = 0o100755 * 0x10000;
const MAX_BYTES = 0xffff_ffff;

/** Returns a zip archive of the files, by their paths. Scripts (`.sh`) are executable. */
export function zipArchive(files: ReadonlyMap<string, Uint8Array>): Buffer {
  const entries: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [path, content] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const name = Buffer.from(path);
    const described = description(content, name);
    const entry = Buffer.concat([integers([LOCAL_HEADER, 4], [VERSION, 2]), described, name, content]);
    entries.push(entry);
    directory.push(
      Buffer.concat([
        integers([CENTRAL_HEADER, 4], [MADE_ON_UNIX, 2], [VERSION, 2]),
        described,
        integers([0, 2], [0, 2], [0, 2], [path.endsWith('.sh') ? EXECUTABLE : READABLE, 4], [offset, 4]),
        name,
      ]),
    );
    offset += entry.length;
  }
  const listed = Buffer.concat(directory);
  if (offset + listed.length > MAX_BYTES) throw new Error(`a zip archive of ${offset} bytes needs ZIP64`);
  const end = integers(
    [END_OF_DIRECTORY, 4],
    [0, 2],
    [0, 2],
    [directory.length, 2],
    [directory.length, 2],
    [listed.length, 4],
    [offset, 4],
    [0, 2],
  );
  return Buffer.concat([...entries, listed, end]);
}

/** Returns what both headers of a file say: stored without compression, its time, checksum, sizes and name length. */
function description(content: Uint8Array, name: Buffer): Buffer {
  return integers(
    [0x0800, 2], // the name is UTF-8
    [0, 2],
    [0, 2],
    [FIRST_DAY, 2],
    [crc32(content), 4],
    [content.length, 4],
    [content.length, 4],
    [name.length, 2],
    [0, 2],
  );
}

/** Returns integers in little-endian order, each with its number of bytes. */
function integers(...fields: [value: number, bytes: number][]): Buffer {
  const buffer = Buffer.alloc(fields.reduce((sum, [, bytes]) => sum + bytes, 0));
  let at = 0;
  for (const [value, bytes] of fields) at = buffer.writeUIntLE(value, at, bytes);
  return buffer;
}
