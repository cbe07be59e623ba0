/**
 * The entry of an item: one string, header, value and checksum, so that one read gets all. Drawn in
 * docs/formats/redis.md; `scripts.ts` reads bytes 0 … 21 by position.
 */
import { crc32 } from 'node:zlib'
import {
  CONTENT_TYPE_BINARY,
  CONTENT_TYPE_JSON,
  decodeStamp,
  encodeStamp,
  putU32,
  putU48,
  STATE_DEFAULT,
  u32At,
  u48At,
  type Stamp,
  type StoredItem,
} from '@se/core'

/** First byte: magic 0xE in the high half, format 2 in the low half. */
export const ENTRY_FORMAT = 0xe2
/** Bytes up to the content type. */
export const ENTRY_HEADER_BYTES = 40
/** The checksum behind the value. */
const CHECK_BYTES = 4
/** Bytes of an entry beside its texts and its value. */
export const ENTRY_FIXED_BYTES = ENTRY_HEADER_BYTES + CHECK_BYTES

/** CRC-32 of any message that is followed by its own CRC-32, little-endian. So checking takes one pass and no cut. */
const CRC_OF_CHECKED = 0x2144df1c

/** Flags: what nearly every item says is said in a bit. */
const IS_JSON = 1
const IS_BINARY = 2
const IS_DEFAULT_STATE = 4
const FLAGS_KNOWN = IS_JSON | IS_BINARY | IS_DEFAULT_STATE

const FLAGS_AT = 1
const EPOCH_AT = 2
const STAMP_AT = 10
const VERSION_AT = 22
const CREATED_AT = 26
const UPDATED_AT = 32
const CONTENT_TYPE_BYTES_AT = 38
const STATE_BYTES_AT = 39

const NO_BYTES = Buffer.alloc(0)

/** What an entry says; its id is in the key. */
export interface EntryFields {
  readonly stamp: Stamp
  readonly version: number
  readonly createdAtMs: number
  readonly updatedAtMs: number
  readonly texts: EntryTexts
  readonly bytes: Uint8Array
}

/** Content type and state as an entry holds them. */
export interface EntryTexts {
  readonly flags: number
  /** Empty where a flag says it. */
  readonly contentType: Buffer
  readonly state: Buffer
}

export function encodeTexts(contentType: string, state: string): EntryTexts {
  if (contentType === CONTENT_TYPE_JSON && state === STATE_DEFAULT) return JSON_DEFAULT
  let flags = 0
  if (contentType === CONTENT_TYPE_JSON) flags |= IS_JSON
  else if (contentType === CONTENT_TYPE_BINARY) flags |= IS_BINARY
  if (state === STATE_DEFAULT) flags |= IS_DEFAULT_STATE
  return {
    flags,
    contentType: (flags & (IS_JSON | IS_BINARY)) === 0 ? Buffer.from(contentType) : NO_BYTES,
    state: (flags & IS_DEFAULT_STATE) === 0 ? Buffer.from(state) : NO_BYTES,
  }
}

const JSON_DEFAULT: EntryTexts = { flags: IS_JSON | IS_DEFAULT_STATE, contentType: NO_BYTES, state: NO_BYTES }

export function entryBytes({ texts, bytes }: Pick<EntryFields, 'texts' | 'bytes'>): number {
  return ENTRY_FIXED_BYTES + texts.contentType.length + texts.state.length + bytes.length
}

/**
 * Writes an entry.
 *
 * @param epoch the 8 bytes under which it will count
 * @param idHash first word of the id's hash: the checksum begins with it, so an entry under another key is damaged
 * @param target {@link entryBytes} bytes from `offset` on
 * @returns the offset behind it
 */
export function encodeEntry(
  fields: EntryFields,
  epoch: Uint8Array,
  idHash: number,
  target: Buffer,
  offset: number,
): number {
  const { texts, bytes } = fields
  target[offset] = ENTRY_FORMAT
  target[offset + FLAGS_AT] = texts.flags
  for (let index = 0; index < 8; index++) target[offset + EPOCH_AT + index] = epoch[index]!
  encodeStamp(fields.stamp, target, offset + STAMP_AT)
  putU32(target, offset + VERSION_AT, fields.version)
  putU48(target, offset + CREATED_AT, fields.createdAtMs)
  putU48(target, offset + UPDATED_AT, fields.updatedAtMs)
  target[offset + CONTENT_TYPE_BYTES_AT] = texts.contentType.length
  target[offset + STATE_BYTES_AT] = texts.state.length
  let at = offset + ENTRY_HEADER_BYTES
  target.set(texts.contentType, at)
  at += texts.contentType.length
  target.set(texts.state, at)
  at += texts.state.length
  target.set(bytes, at)
  at += bytes.length
  return target.writeUInt32LE(crc32(target.subarray(offset, at), idHash), at)
}

/** Whether bytes have the form of an entry of this format. Others count as not there. */
export function isEntry(source: Uint8Array): boolean {
  return (
    source.length >= ENTRY_FIXED_BYTES &&
    source[0] === ENTRY_FORMAT &&
    (source[FLAGS_AT]! & ~FLAGS_KNOWN) === 0 &&
    source.length >= ENTRY_FIXED_BYTES + source[CONTENT_TYPE_BYTES_AT]! + source[STATE_BYTES_AT]!
  )
}

/** Whether an entry is what was put for this id, bit for bit. */
export function isIntact(source: Buffer, idHash: number): boolean {
  return crc32(source, idHash) === CRC_OF_CHECKED
}

/** The epoch of an entry as two words, so that judging one allocates nothing. */
export function epochHighOf(source: Uint8Array): number {
  return u32At(source, EPOCH_AT)
}

export function epochLowOf(source: Uint8Array): number {
  return u32At(source, EPOCH_AT + 4)
}

/**
 * The item of an entry.
 *
 * The value is copied: what the client hands over is a view of a chunk of the socket, which would stay in
 * memory as long as the value does.
 *
 * @param source an entry, see {@link isEntry} and {@link isIntact}
 */
export function decodeEntry(id: string, source: Buffer): StoredItem {
  const flags = source[FLAGS_AT]!
  const contentTypeEnd = ENTRY_HEADER_BYTES + source[CONTENT_TYPE_BYTES_AT]!
  const stateEnd = contentTypeEnd + source[STATE_BYTES_AT]!
  const bytes = Buffer.allocUnsafe(source.length - CHECK_BYTES - stateEnd)
  source.copy(bytes, 0, stateEnd)
  return {
    id,
    bytes,
    stamp: decodeStamp(source, STAMP_AT),
    version: u32At(source, VERSION_AT),
    state:
      (flags & IS_DEFAULT_STATE) !== 0 ? STATE_DEFAULT : source.toString('utf8', contentTypeEnd, stateEnd),
    contentType: decodeContentType(flags, source, contentTypeEnd),
    createdAtMs: u48At(source, CREATED_AT),
    updatedAtMs: u48At(source, UPDATED_AT),
  }
}

function decodeContentType(flags: number, source: Buffer, end: number): string {
  if ((flags & IS_JSON) !== 0) return CONTENT_TYPE_JSON
  if ((flags & IS_BINARY) !== 0) return CONTENT_TYPE_BINARY
  return source.toString('latin1', ENTRY_HEADER_BYTES, end)
}
