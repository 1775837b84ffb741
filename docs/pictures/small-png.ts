import { crc32, deflateSync, inflateSync } from 'node:zlib';

/**
 * Returns a screenshot as a PNG of at most 256 colours, which is a third of its size. Other colours become the nearest of
 * them: at the edges of letters, nobody sees that. Takes PNGs of 8 bits a channel that are not
 * interlaced, as Chromium writes them.
 */
export function smallPng(png: Buffer): Buffer {
  const { width, height, channels, rows } = decode(png);
  const counts = new Map<number, number>();
  const colours = new Uint32Array(width * height);
  for (let at = 0; at < colours.length; at += 1) {
    const colour = rows.readUIntBE(at * channels, 3);
    colours[at] = colour;
    counts.set(colour, (counts.get(colour) ?? 0) + 1);
  }
  const palette = paletteOf(counts);
  const indexes = new Map(palette.map((colour, at) => [colour, at]));
  const pixels = Buffer.alloc((width + 1) * height); // each line begins with its filter, 0
  for (let at = 0; at < colours.length; at += 1) {
    const colour = colours[at] ?? 0;
    let index = indexes.get(colour);
    if (index === undefined) {
      index = nearest(colour, palette);
      indexes.set(colour, index);
    }
    pixels[at + Math.floor(at / width) + 1] = index;
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 3, 0, 0, 0], 8); // 8 bits, indexed colours
  return Buffer.concat([
    png.subarray(0, 8),
    chunk('IHDR', header),
    chunk(
      'PLTE',
      Buffer.from(palette.flatMap((colour) => [colour >> 16, (colour >> 8) & 255, colour & 255])),
    ),
    chunk('IDAT', deflateSync(pixels, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

const FREQUENT = 64; // grounds and lines, which often differ little

/** The most frequent colours; then of like colours, whose first four bits are the same, the most frequent one. */
function paletteOf(counts: ReadonlyMap<number, number>): number[] {
  const frequent = [...counts].sort(([, one], [, other]) => other - one).slice(0, FREQUENT);
  const alike = Map.groupBy(counts, ([colour]) => colour & 0xf0f0f0);
  const groups = [...alike.values()].map((group) => ({
    colour: group.reduce((most, one) => (one[1] > most[1] ? one : most))[0],
    count: group.reduce((sum, [, count]) => sum + count, 0),
  }));
  const varied = groups.sort((one, other) => other.count - one.count).map(({ colour }) => colour);
  return [...new Set([...frequent.map(([colour]) => colour), ...varied])].slice(0, 256);
}

function nearest(colour: number, palette: readonly number[]): number {
  const distance = (other: number) =>
    [16, 8, 0].reduce((sum, shift) => sum + (((colour >> shift) & 255) - ((other >> shift) & 255)) ** 2, 0);
  return palette.reduce((best, other, at) => (distance(other) < distance(palette[best] ?? 0) ? at : best), 0);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const ends = Buffer.alloc(8);
  ends.writeUInt32BE(data.length, 0);
  ends.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)]);
}

interface Pixels {
  readonly width: number;
  readonly height: number;
  /** Bytes for each pixel. */
  readonly channels: number;
  readonly rows: Buffer;
}

function decode(png: Buffer): Pixels {
  const data: Buffer[] = [];
  for (let at = 8; at < png.length; at += png.readUInt32BE(at) + 12) {
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT')
      data.push(png.subarray(at + 8, at + 8 + png.readUInt32BE(at)));
  }
  const [width, height, colourType] = [png.readUInt32BE(16), png.readUInt32BE(20), png[25]];
  if (png[24] !== 8 || (colourType !== 2 && colourType !== 6))
    throw new Error('Not a PNG as Chromium writes it.');
  const channels = colourType === 6 ? 4 : 3;
  return {
    width,
    height,
    channels,
    rows: unfiltered(inflateSync(Buffer.concat(data)), width * channels, channels),
  };
}

/** Undoes the filter of each line ([PNG, section 9](https://www.w3.org/TR/png-3/#9Filters)). */
function unfiltered(lines: Buffer, length: number, channels: number): Buffer {
  const rows = Buffer.alloc((lines.length / (length + 1)) * length);
  for (let start = 0, from = 0; start < rows.length; start += length, from += length + 1) {
    const filter = lines[from];
    for (let x = 0; x < length; x += 1) {
      const left = x < channels ? 0 : (rows[start + x - channels] ?? 0);
      const above = start === 0 ? 0 : (rows[start + x - length] ?? 0);
      const corner = x < channels || start === 0 ? 0 : (rows[start + x - length - channels] ?? 0);
      const predicted = [0, left, above, (left + above) >> 1, paeth(left, above, corner)][filter ?? 0] ?? 0;
      rows[start + x] = (lines[from + 1 + x] ?? 0) + predicted;
    }
  }
  return rows;
}

function paeth(left: number, above: number, corner: number): number {
  const [a, b, c] = [Math.abs(above - corner), Math.abs(left - corner), Math.abs(left + above - 2 * corner)];
  if (a <= b && a <= c) return left;
  return b <= c ? above : corner;
}
