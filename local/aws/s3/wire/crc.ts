/**
 * The cyclic checks Node does not bring along, bit-reflected, all ones at the start and inverted at the end, and the
 * combination of two checks of neighbouring parts into the check of both.
 */

const CRC32C_POLYNOMIAL = 0x82f63b78;
const CRC64NVME_POLYNOMIAL = 0x9a6c9329ac4bc9b5n;
const LOW_32_BITS = 0xffffffffn;

const crc32cTable = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ CRC32C_POLYNOMIAL : value >>> 1;
  return value >>> 0;
});

const crc64Entries = Array.from({ length: 256 }, (_, index) => {
  let value = BigInt(index);
  for (let bit = 0; bit < 8; bit++) value = value & 1n ? (value >> 1n) ^ CRC64NVME_POLYNOMIAL : value >> 1n;
  return value;
});
const crc64Low = Uint32Array.from(crc64Entries, (entry) => Number(entry & LOW_32_BITS));
const crc64High = Uint32Array.from(crc64Entries, (entry) => Number(entry >> 32n));

// The tables hold all 256 values of a byte, so the fallback only serves the type checker.
const entry = (table: Uint32Array, index: number): number => table[index & 0xff] ?? 0;

/** CRC-32C (Castagnoli) of `bytes`, going on from `value`, the check of what came before. */
export function crc32c(bytes: Uint8Array, value = 0): number {
  let register = ~value;
  for (let at = 0; at < bytes.length; at++) {
    register = entry(crc32cTable, register ^ (bytes[at] ?? 0)) ^ (register >>> 8);
  }
  return ~register >>> 0;
}

/** CRC-64/NVME of `bytes`, going on from `value`, the check of what came before. */
export function crc64nvme(bytes: Uint8Array, value = 0n): bigint {
  // Two 32-bit halves: BigInt arithmetic for each byte would be some fifty times slower.
  let low = ~Number(value & LOW_32_BITS);
  let high = ~Number(value >> 32n);
  for (let at = 0; at < bytes.length; at++) {
    const index = low ^ (bytes[at] ?? 0);
    low = ((low >>> 8) | (high << 24)) ^ entry(crc64Low, index);
    high = (high >>> 8) ^ entry(crc64High, index);
  }
  return (BigInt(~high >>> 0) << 32n) | BigInt(~low >>> 0);
}

/** A family of checks as its combination needs it. */
export interface CrcFamily {
  readonly width: 32 | 64;
  readonly polynomial: bigint;
}

export const CRC32: CrcFamily = { width: 32, polynomial: 0xedb88320n };
export const CRC32C: CrcFamily = { width: 32, polynomial: BigInt(CRC32C_POLYNOMIAL) };
export const CRC64NVME: CrcFamily = { width: 64, polynomial: CRC64NVME_POLYNOMIAL };

/** The product of two polynomials modulo the family's own; the highest bit stands for x⁰. */
function multiply(family: CrcFamily, left: bigint, right: bigint): bigint {
  let product = 0n;
  let shifted = right;
  for (let bit = BigInt(family.width - 1); bit >= 0n; bit--) {
    if ((left >> bit) & 1n) product ^= shifted;
    shifted = shifted & 1n ? (shifted >> 1n) ^ family.polynomial : shifted >> 1n;
  }
  return product;
}

/** x to the power of 8 × `bytes`: what as many zero bytes do to a check. */
function zeroBytes(family: CrcFamily, bytes: number): bigint {
  let power = 1n << BigInt(family.width - 1); // x⁰
  let square = 1n << BigInt(family.width - 9); // x⁸
  for (let rest = BigInt(bytes); rest > 0n; rest >>= 1n) {
    if (rest & 1n) power = multiply(family, power, square);
    square = multiply(family, square, square);
  }
  return power;
}

/** The check of all parts in a row, from the check and the length in bytes of each. */
export function combineCrcs(
  family: CrcFamily,
  parts: readonly { readonly crc: bigint; readonly size: number }[],
): bigint {
  const shifts = new Map<number, bigint>(); // parts of one upload are nearly all of one length
  let combined = 0n;
  for (const { crc, size } of parts) {
    const shift = shifts.get(size) ?? zeroBytes(family, size);
    shifts.set(size, shift);
    combined = multiply(family, shift, combined) ^ crc;
  }
  return combined;
}
