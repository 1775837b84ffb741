/**
 * The CRCs that Node does not have (bit-reflected, initial value all ones, inverted at the end), and a function that
 * combines the CRCs of consecutive parts into the CRC of the whole.
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

// The tables have all 256 values of a byte. The fallback is only for the type checker.
const entry = (table: Uint32Array, index: number): number => table[index & 0xff] ?? 0;

/** Returns the CRC-32C (Castagnoli) of `bytes`, continued from `value`, the CRC of the preceding bytes. */
export function crc32c(bytes: Uint8Array, value = 0): number {
  let register = ~value;
  for (let at = 0; at < bytes.length; at++) {
    register = entry(crc32cTable, register ^ (bytes[at] ?? 0)) ^ (register >>> 8);
  }
  return ~register >>> 0;
}

/** Returns the CRC-64/NVME of `bytes`, continued from `value`, the CRC of the preceding bytes. */
export function crc64nvme(bytes: Uint8Array, value = 0n): bigint {
  // Computed in two 32-bit halves: BigInt arithmetic per byte would be about fifty times slower.
  let low = ~Number(value & LOW_32_BITS);
  let high = ~Number(value >> 32n);
  for (let at = 0; at < bytes.length; at++) {
    const index = low ^ (bytes[at] ?? 0);
    low = ((low >>> 8) | (high << 24)) ^ entry(crc64Low, index);
    high = (high >>> 8) ^ entry(crc64High, index);
  }
  return (BigInt(~high >>> 0) << 32n) | BigInt(~low >>> 0);
}

/** The parameters of a CRC that its combination needs. */
export interface CrcFamily {
  readonly width: 32 | 64;
  readonly polynomial: bigint;
}

export const CRC32: CrcFamily = { width: 32, polynomial: 0xedb88320n };
export const CRC32C: CrcFamily = { width: 32, polynomial: BigInt(CRC32C_POLYNOMIAL) };
export const CRC64NVME: CrcFamily = { width: 64, polynomial: CRC64NVME_POLYNOMIAL };

/** Returns the product of two polynomials modulo the CRC's own; the highest bit stands for x⁰. */
function multiply(family: CrcFamily, left: bigint, right: bigint): bigint {
  let product = 0n;
  let shifted = right;
  for (let bit = BigInt(family.width - 1); bit >= 0n; bit--) {
    if ((left >> bit) & 1n) product ^= shifted;
    shifted = shifted & 1n ? (shifted >> 1n) ^ family.polynomial : shifted >> 1n;
  }
  return product;
}

/** Returns x to the power of 8 × `bytes`: the effect of that many zero bytes on a CRC. */
function zeroBytes(family: CrcFamily, bytes: number): bigint {
  let power = 1n << BigInt(family.width - 1); // x⁰
  let square = 1n << BigInt(family.width - 9); // x⁸
  for (let rest = BigInt(bytes); rest > 0n; rest >>= 1n) {
    if (rest & 1n) power = multiply(family, power, square);
    square = multiply(family, square, square);
  }
  return power;
}

/** Returns the CRC of the concatenated parts from the CRC and the length in bytes of each part. */
export function combineCrcs(
  family: CrcFamily,
  parts: readonly { readonly crc: bigint; readonly size: number }[],
): bigint {
  const shifts = new Map<number, bigint>(); // most parts of an upload have the same length
  let combined = 0n;
  for (const { crc, size } of parts) {
    const shift = shifts.get(size) ?? zeroBytes(family, size);
    shifts.set(size, shift);
    combined = multiply(family, shift, combined) ^ crc;
  }
  return combined;
}
