import { InvalidInput, STAMP_BYTES, type Stamp } from '@se/core'
import { digestInto as defaultDigestInto } from '#sha256'
import { DIGESTER_FIELDS, readOptions, type RowDigesterOptions } from './options.ts'
import type { DigestInto, Sha256 } from './sha256.ts'
import { DIGEST_BYTES } from './tree-entry.ts'

/** Version of the encoding, its first byte. See docs/formats/row-digest.md. */
export const ROW_FORMAT = 1
/** Shortest and longest key, bytes. */
export const KEY_BYTES_MIN = 16
export const KEY_BYTES_MAX = 32
/** Longest id, state and content type that the one-byte lengths can say, bytes of UTF-8. */
export const FIELD_BYTES_MAX = 255
/** Longest value that the four-byte length can say, bytes. */
export const DIGESTED_VALUE_BYTES_MAX = 2 ** 32 - 1

/** A live row. A tombstone has no digest: it counts as nothing. */
export interface DigestedRow {
  readonly id: string
  readonly stamp: Stamp
  readonly state: string
  readonly contentType: string
  readonly bytes: Uint8Array
}

/** Digests rows under one key. Not to be shared between threads; it keeps a scratch buffer. */
export interface RowDigester {
  /**
   * First 128 bits of SHA-256 over the canonical encoding of the row and the key.
   *
   * @returns 16 bytes that the caller may keep
   * @throws InvalidInput when a field is longer than its length prefix can say or of another type, a string holds an
   *   unpaired surrogate, or the stamp is no stamp
   */
  digest(row: DigestedRow): Uint8Array
}

/** Values above this are encoded into a buffer of their own, so that the scratch does not stay large. */
const SCRATCH_BYTES_MAX = 65_536
/** Encodings up to this length have their view kept; at most as many views. */
const VIEWED_BYTES_MAX = 2_048

/**
 * @param key secret of 16 to 32 bytes, or `undefined`: anyone can compute the digests, and who may choose
 *   many rows can make two different sets with equal sums (README, limits)
 * @throws InvalidInput when the key is shorter or longer, or no Uint8Array: text would be copied as zeros
 */
export function createRowDigester(
  key: Uint8Array | undefined,
  options: RowDigesterOptions = {},
): RowDigester {
  if (key !== undefined && !(key instanceof Uint8Array)) throw new InvalidInput('key', 'must be a Uint8Array')
  if (key !== undefined && (key.length < KEY_BYTES_MIN || key.length > KEY_BYTES_MAX)) {
    throw new InvalidInput('key', `has ${key.length} bytes, must have ${KEY_BYTES_MIN} to ${KEY_BYTES_MAX}`, {
      limit: key.length < KEY_BYTES_MIN ? KEY_BYTES_MIN : KEY_BYTES_MAX,
      actual: key.length,
    })
  }
  const { sha256 } = readOptions(options, DIGESTER_FIELDS)
  const digestInto = sha256 === undefined ? defaultDigestInto : digestIntoBy(sha256)
  const encoder = createRowEncoder(key)
  return {
    digest(row) {
      const digest = new Uint8Array(DIGEST_BYTES)
      digestInto(encoder.encode(row), digest)
      return digest
    },
  }
}

/** A caller's own SHA-256 in the shape of the platform's. */
function digestIntoBy(sha256: Sha256): DigestInto {
  return (bytes, digest) => {
    const hash = sha256(bytes)
    for (let at = 0; at < digest.length; at++) digest[at] = hash.charCodeAt(at)
  }
}

/**
 * The canonical encoding of a row under a key:
 *
 *   format u8 | key length u8, key | state length u8, state | content type length u8, content type
 *   | id length u8, id | stamp time u64, instance u32 | value length u32, value
 *
 * Every field has a fixed width or its length before it, so no two rows share an encoding and none is the
 * beginning of another. What seldom changes from row to row comes first, so that it need not be written again.
 */
export interface RowEncoder {
  /** @returns a view of a buffer that the next call overwrites */
  encode(row: DigestedRow): Uint8Array
}

/** @param key checked by the caller */
export function createRowEncoder(key: Uint8Array | undefined): RowEncoder {
  const header = new Uint8Array(2 + (key?.length ?? 0))
  header[0] = ROW_FORMAT
  header[1] = key?.length ?? 0
  if (key !== undefined) header.set(key, 2)
  const fixedBytes = header.length + 3 * (1 + FIELD_BYTES_MAX) + STAMP_BYTES + 4
  let scratch = new Scratch(header, fixedBytes + 1024)

  function scratchFor(valueBytes: number): Scratch {
    const needed = fixedBytes + valueBytes
    if (needed <= scratch.bytes.length) return scratch
    if (needed > SCRATCH_BYTES_MAX) return new Scratch(header, needed)
    scratch = new Scratch(header, Math.min(SCRATCH_BYTES_MAX, needed * 2))
    return scratch
  }

  return {
    encode(row) {
      const { stamp, bytes } = row
      const { time, instance } = stamp
      if (!(bytes instanceof Uint8Array)) throw new InvalidInput('bytes', 'must be a Uint8Array')
      if (bytes.length > DIGESTED_VALUE_BYTES_MAX) {
        throw new InvalidInput(
          'bytes',
          `has ${bytes.length} bytes, the limit is ${DIGESTED_VALUE_BYTES_MAX}`,
          { limit: DIGESTED_VALUE_BYTES_MAX, actual: bytes.length },
        )
      }
      if (!(Number.isSafeInteger(time) && time >= 0 && instance >>> 0 === instance)) {
        throw new InvalidInput('stamp', 'must be a safe integer from 0 on, and a u32')
      }
      const target = scratchFor(bytes.length)
      const at = writeText(row.id, 'id', target.bytes, target.writeTags(row.state, row.contentType))
      target.view.setUint32(at, time / 2 ** 32)
      target.view.setUint32(at + 4, time)
      target.view.setUint32(at + 8, instance)
      target.view.setUint32(at + 12, bytes.length)
      target.bytes.set(bytes, at + 16)
      return target.firstBytes(at + 16 + bytes.length)
    },
  }
}

/** A buffer that encodings are made in, and what of the last one need not be written again. */
class Scratch {
  readonly bytes: Uint8Array
  readonly view: DataView
  readonly #tagsAt: number
  #tagsEnd = 0
  #state: string | undefined
  #contentType: string | undefined
  /** By length: making a view costs as much as a third of the encoding. */
  readonly #views: (Uint8Array | undefined)[] = []

  constructor(header: Uint8Array, length: number) {
    this.bytes = new Uint8Array(length)
    this.bytes.set(header)
    this.view = new DataView(this.bytes.buffer)
    this.#tagsAt = header.length
  }

  /** Writes state and content type, if they are not there already; returns where they end. */
  writeTags(state: string, contentType: string): number {
    if (state === this.#state && contentType === this.#contentType) return this.#tagsEnd
    this.#state = undefined
    const stateEnd = writeText(state, 'state', this.bytes, this.#tagsAt)
    this.#tagsEnd = writeText(contentType, 'contentType', this.bytes, stateEnd)
    this.#state = state
    this.#contentType = contentType
    return this.#tagsEnd
  }

  firstBytes(length: number): Uint8Array {
    if (length > VIEWED_BYTES_MAX) return this.bytes.subarray(0, length)
    return (this.#views[length] ??= this.bytes.subarray(0, length))
  }
}

const utf8 = new TextEncoder()
/** A surrogate that is half of no pair; the flag `u` reads pairs as one character. */
const LONE_SURROGATE = /\p{Surrogate}/u

/** Writes the length as u8 and the text as UTF-8; returns where it ends. */
function writeText(text: string, field: string, target: Uint8Array, at: number): number {
  if (typeof text !== 'string') throw new InvalidInput(field, `must be a string, not ${typeof text}`)
  const length = text.length
  if (length <= FIELD_BYTES_MAX) {
    target[at] = length
    let index = 0
    for (; index < length; index++) {
      const unit = text.charCodeAt(index)
      if (unit > 0x7f) break
      target[at + 1 + index] = unit
    }
    if (index === length) return at + 1 + length
  }
  return writeNonAscii(text, field, target, at)
}

function writeNonAscii(text: string, field: string, target: Uint8Array, at: number): number {
  if (LONE_SURROGATE.test(text)) throw new InvalidInput(field, 'must not contain unpaired surrogates')
  const bytes = utf8.encode(text)
  if (bytes.length > FIELD_BYTES_MAX) {
    throw new InvalidInput(field, `has ${bytes.length} bytes of UTF-8, the limit is ${FIELD_BYTES_MAX}`, {
      limit: FIELD_BYTES_MAX,
      actual: bytes.length,
    })
  }
  target[at] = bytes.length
  target.set(bytes, at + 1)
  return at + 1 + bytes.length
}
