import { InvalidInput } from './errors.ts'
import type { Stamp } from './stamp.ts'

/** Longest id, bytes of UTF-8. */
export const ID_BYTES_MAX = 255
/** Longest state tag, bytes of UTF-8. */
export const STATE_BYTES_MAX = 64
/** Longest content type, bytes (printable ASCII). */
export const CONTENT_TYPE_BYTES_MAX = 127
/** Default limit of a value, bytes. Below MariaDB's default packet of 16 MiB with room for a batch's frame. */
export const VALUE_BYTES_MAX = 8 * 1024 * 1024
/** State tag of an item whose writer gave none. */
export const STATE_DEFAULT = 'default'
export const CONTENT_TYPE_JSON = 'application/json'
export const CONTENT_TYPE_BINARY = 'application/octet-stream'

/** A value as a tier holds it. Bytes come back as they went in, from every tier [R7]. */
export interface StoredItem {
  /** 1 to 255 bytes of UTF-8, compared by bytes. */
  readonly id: string
  /** The value, exactly as submitted. No holder may change it. */
  readonly bytes: Uint8Array
  /** When and by whom it was written; the newest wins. */
  readonly stamp: Stamp
  /** How many writes the archive has accepted for the id, this one included; unset while pending. */
  readonly version: number | undefined
  /** Free tag, 0 to 64 bytes, indexed in the archive. */
  readonly state: string
  /** Printable ASCII, 0 to 127 bytes. */
  readonly contentType: string
  /** Wall-clock ms of the write that created the id (or re-created it after a delete). */
  readonly createdAtMs: number
  /** Wall-clock ms of this write: the stamp's. */
  readonly updatedAtMs: number
}

/**
 * One write as it travels from the log to the tiers. `bytes: undefined` is a delete: it is kept as a
 * tombstone and counts as nothing in all sums.
 */
export interface ItemWrite {
  readonly id: string
  readonly stamp: Stamp
  readonly state: string
  readonly contentType: string
  readonly bytes: Uint8Array | undefined
}

const utf8 = new TextEncoder()
// Control characters C0, DEL and C1; they break logs, terminals and redis-cli.
// eslint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/
const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/

/** Length of a string in bytes of UTF-8. */
export function utf8Length(text: string): number {
  return utf8.encode(text).length
}

/**
 * Checks an id: 1 to 255 bytes of UTF-8, no control characters, no unpaired surrogate (which would not
 * survive UTF-8).
 *
 * @throws InvalidInput naming the field and the limit
 */
export function checkId(id: unknown, field = 'id'): asserts id is string {
  checkText(id, field, ID_BYTES_MAX)
  if (id.length === 0) throw new InvalidInput(field, 'must have at least 1 byte', { limit: 1, actual: 0 })
}

/** @throws InvalidInput naming the field and the limit */
export function checkState(state: unknown, field = 'state'): asserts state is string {
  checkText(state, field, STATE_BYTES_MAX)
}

function checkText(text: unknown, field: string, bytesMax: number): asserts text is string {
  if (typeof text !== 'string') throw new InvalidInput(field, `must be a string, not ${typeof text}`)
  // Three bytes a UTF-16 unit is the most, so short text need not be encoded to be known to fit.
  const actual = text.length * 3 > bytesMax ? utf8Length(text) : 0
  if (actual > bytesMax) {
    throw new InvalidInput(field, `has ${actual} bytes of UTF-8, the limit is ${bytesMax}`, {
      limit: bytesMax,
      actual,
    })
  }
  if (CONTROL.test(text)) throw new InvalidInput(field, 'must not contain control characters')
  if (LONE_SURROGATE.test(text)) throw new InvalidInput(field, 'must not contain unpaired surrogates')
}

/** @throws InvalidInput naming the field and the limit */
export function checkContentType(contentType: unknown, field = 'contentType'): asserts contentType is string {
  if (typeof contentType !== 'string') {
    throw new InvalidInput(field, `must be a string, not ${typeof contentType}`)
  }
  if (contentType.length > CONTENT_TYPE_BYTES_MAX) {
    throw new InvalidInput(field, `has ${contentType.length} bytes, the limit is ${CONTENT_TYPE_BYTES_MAX}`, {
      limit: CONTENT_TYPE_BYTES_MAX,
      actual: contentType.length,
    })
  }
  if (!/^[\x20-\x7e]*$/.test(contentType)) throw new InvalidInput(field, 'must be printable ASCII')
}

/** Whether two byte strings are equal. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let index = 0; index < a.length; index++) if (a[index] !== b[index]) return false
  return true
}

/**
 * Orders ids by the bytes of their UTF-8, as every tier stores them: negative if `a` comes first.
 *
 * UTF-16, by which JavaScript compares strings, puts characters beyond U+FFFF before U+E000 … U+FFFF.
 */
export function compareIds(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length)
  for (let index = 0; index < shorter; index++) {
    const left = a.charCodeAt(index)
    const right = b.charCodeAt(index)
    if (left !== right) return codePointRank(left) - codePointRank(right)
  }
  return a.length - b.length
}

/** Moves the surrogates above all other code units. */
function codePointRank(unit: number): number {
  if (unit < 0xd800) return unit
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800
}
