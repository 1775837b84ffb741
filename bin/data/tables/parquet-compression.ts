import zlib from 'node:zlib';
import type { Compressors } from 'hyparquet';
import { Failure } from '../../terminal/failure.ts';

type Decompress = (input: Uint8Array, outputLength: number) => Uint8Array;

/** Decompresses the pages of Parquet files with Node. The library itself has Snappy. */
export function pageDecompressors(): Compressors {
  const limited =
    (decompress: (input: Uint8Array, options: { maxOutputLength: number }) => Uint8Array): Decompress =>
    // A page that is larger than its header says is an error, not a reason to fill the memory.
    (input, outputLength) =>
      decompress(input, { maxOutputLength: Math.max(1, outputLength) });
  return {
    GZIP: limited(zlib.gunzipSync),
    BROTLI: limited(zlib.brotliDecompressSync),
    ZSTD:
      typeof zlib.zstdDecompressSync === 'function'
        ? limited(zlib.zstdDecompressSync)
        : unsupported('Zstandard'),
    LZ4: unsupported('LZ4'),
    LZ4_RAW: unsupported('LZ4'),
    LZO: unsupported('LZO'),
  };
}

function unsupported(codec: string): Decompress {
  return () => {
    const other = codec === 'Zstandard' ? 'Node 22.15 or newer, or a file' : 'a file';
    throw new Failure(
      `The Parquet file is compressed with ${codec}. You need ${other} with Snappy, gzip or Brotli.`,
    );
  };
}
