/**
 * Big-endian numbers in byte arrays, for formats whose byte order is their order; and bytes as text.
 *
 * Shifts, not the methods of Buffer or DataView: those check bounds at each call or need a view, and the length of an entry or a
 * row is checked once. So the caller knows that the bytes are there.
 */

const TWO_POW_32 = 2 ** 32

/** Writes a u32 into 4 bytes; of a larger or negative number its value mod 2^32. */
export function putU32(target: Uint8Array, at: number, value: number): void {
  target[at] = value >>> 24
  target[at + 1] = value >>> 16
  target[at + 2] = value >>> 8
  target[at + 3] = value
}

/** The inverse of {@link putU32}. */
export function u32At(source: Uint8Array, at: number): number {
  return ((source[at]! << 24) | (source[at + 1]! << 16) | (source[at + 2]! << 8) | source[at + 3]!) >>> 0
}

/** Writes an integer from 0 to 2^48-1 into 6 bytes. */
export function putU48(target: Uint8Array, at: number, value: number): void {
  const high = Math.floor(value / TWO_POW_32)
  target[at] = high >>> 8
  target[at + 1] = high
  putU32(target, at + 2, value >>> 0)
}

/** The inverse of {@link putU48}. */
export function u48At(source: Uint8Array, at: number): number {
  return ((source[at]! << 8) | source[at + 1]!) * TWO_POW_32 + u32At(source, at + 2)
}

/** Writes a safe integer from 0 on into 8 bytes. */
export function putU64(target: Uint8Array, at: number, value: number): void {
  putU32(target, at, Math.floor(value / TWO_POW_32))
  putU32(target, at + 4, value >>> 0)
}

/** The inverse of {@link putU64}; of bytes that are no safe integer the nearest number. */
export function u64At(source: Uint8Array, at: number): number {
  return u32At(source, at) * TWO_POW_32 + u32At(source, at + 4)
}

/** Two lower-case hex digits a byte. For names and messages: it is no way for bytes that are many. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
