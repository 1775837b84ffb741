import { scannerBytes } from './scanner-bytes.ts';

/** A module whose only function uses a SIMD instruction. It is valid only where V8 can run the scanner. */
const SIMD_PROBE = Uint8Array.from([
  ...[0, 97, 115, 109, 1, 0, 0, 0], // magic number and version
  ...[1, 5, 1, 96, 0, 1, 123], // one type: () → v128
  ...[3, 2, 1, 0], // one function of that type
  ...[10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11], // i32.const 0; i8x16.splat; i8x16.popcnt
]);

let known: WebAssembly.Module | null | undefined;

/**
 * Returns the compiled scanner. Returns null on a machine without SIMD for WebAssembly (x86 before 2008), where
 * `JSON.parse` alone checks lines. Errors: those of `scannerBytes`.
 */
export function scannerModule(): WebAssembly.Module | null {
  if (known === undefined)
    known = WebAssembly.validate(SIMD_PROBE) ? new WebAssembly.Module(scannerBytes()) : null;
  return known;
}
