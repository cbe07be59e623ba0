/**
 * The entry of an item: one string, header and value, so that one GET gets all. Drawn in
 * docs/formats/redis.md; `scripts.ts` reads bytes 0 … 21 by position.
 */
import { decodeStamp, encodeStamp, type Stamp, type StoredItem } from '@se/core'

/** First byte: magic 0xE in the high half, format 1 in the low half. */
export const ENTRY_FORMAT = 0xe1
/** Bytes up to the content type. */
export const ENTRY_FIXED_BYTES = 40
/** Bytes that tell whether an entry counts, and how new it is: format, flags, epoch, stamp. */
export const ENTRY_HEAD_BYTES = 22

const EPOCH_AT = 2
const STAMP_AT = 10
const VERSION_AT = 22
const CREATED_AT = 26
const UPDATED_AT = 32
const CONTENT_TYPE_BYTES_AT = 38
const STATE_BYTES_AT = 39

/** What an entry says, without its id, which is in the key. */
export interface EntryFields {
  readonly stamp: Stamp
  readonly version: number
  readonly createdAtMs: number
  readonly updatedAtMs: number
  readonly contentType: Buffer
  readonly state: Buffer
  readonly bytes: Uint8Array
}

export function entryBytes(fields: Pick<EntryFields, 'contentType' | 'state' | 'bytes'>): number {
  return ENTRY_FIXED_BYTES + fields.contentType.length + fields.state.length + fields.bytes.length
}

/**
 * Writes an entry.
 *
 * @param epoch the 8 bytes under which it will count
 * @param target {@link entryBytes} bytes from `offset` on
 * @returns the offset behind it
 */
export function encodeEntry(fields: EntryFields, epoch: Uint8Array, target: Buffer, offset: number): number {
  const { contentType, state, bytes } = fields
  target[offset] = ENTRY_FORMAT
  target[offset + 1] = 0
  for (let index = 0; index < 8; index++) target[offset + EPOCH_AT + index] = epoch[index]!
  encodeStamp(fields.stamp, target, offset + STAMP_AT)
  target.writeUInt32BE(fields.version, offset + VERSION_AT)
  target.writeUIntBE(fields.createdAtMs, offset + CREATED_AT, 6)
  target.writeUIntBE(fields.updatedAtMs, offset + UPDATED_AT, 6)
  target[offset + CONTENT_TYPE_BYTES_AT] = contentType.length
  target[offset + STATE_BYTES_AT] = state.length
  let at = offset + ENTRY_FIXED_BYTES
  target.set(contentType, at)
  at += contentType.length
  target.set(state, at)
  at += state.length
  target.set(bytes, at)
  return at + bytes.length
}

/** Turns short texts, which are nearly always the same one, into bytes and back. */
export interface TextMemo {
  encode(text: string): Buffer
  decode(source: Buffer, start: number, end: number): string
}

export function createTextMemo(): TextMemo {
  let text = ''
  let bytes = Buffer.alloc(0)
  return {
    encode(wanted) {
      if (wanted !== text) {
        text = wanted
        bytes = Buffer.from(wanted, 'utf8')
      }
      return bytes
    },
    decode(source, start, end) {
      const length = end - start
      if (length === bytes.length) {
        let index = 0
        while (index < length && source[start + index] === bytes[index]) index++
        if (index === length) return text
      }
      text = source.toString('utf8', start, end)
      bytes = Buffer.from(source.subarray(start, end))
      return text
    },
  }
}

/** Whether bytes have the form of an entry of this format. Others count as not there. */
export function isEntry(source: Buffer): boolean {
  return (
    source.length >= ENTRY_FIXED_BYTES &&
    source[0] === ENTRY_FORMAT &&
    source[1] === 0 &&
    source.length >= ENTRY_FIXED_BYTES + source[CONTENT_TYPE_BYTES_AT]! + source[STATE_BYTES_AT]!
  )
}

/** The epoch of an entry as two words, so that judging one allocates nothing. */
export function epochHighOf(source: Buffer): number {
  return source.readUInt32BE(EPOCH_AT)
}

export function epochLowOf(source: Buffer): number {
  return source.readUInt32BE(EPOCH_AT + 4)
}

/**
 * The item of an entry.
 *
 * The value is copied: what the client hands over is a view of a chunk of the socket, which would stay in
 * memory as long as the value does.
 *
 * @param source an entry, see {@link isEntry}
 */
export function decodeEntry(
  id: string,
  source: Buffer,
  contentTypes: TextMemo,
  states: TextMemo,
): StoredItem {
  const contentTypeEnd = ENTRY_FIXED_BYTES + source[CONTENT_TYPE_BYTES_AT]!
  const stateEnd = contentTypeEnd + source[STATE_BYTES_AT]!
  return {
    id,
    bytes: Buffer.from(source.subarray(stateEnd)),
    stamp: decodeStamp(source, STAMP_AT),
    version: source.readUInt32BE(VERSION_AT),
    state: states.decode(source, contentTypeEnd, stateEnd),
    contentType: contentTypes.decode(source, ENTRY_FIXED_BYTES, contentTypeEnd),
    createdAtMs: source.readUIntBE(CREATED_AT, 6),
    updatedAtMs: source.readUIntBE(UPDATED_AT, 6),
  }
}
