import { Buffer } from 'node:buffer'
import { CorruptData, decodeStamp, encodeStamp, STAMP_BYTES, type ItemWrite, type Stamp } from '@se/core'
import type { Log } from '@se/wal'

/** Format page: docs/formats/log-record.md. */
const FORMAT = 1
const KIND_PUT = 0
const KIND_DELETE = 1
const STAMP_AT = 2
const LENGTHS_AT = STAMP_AT + STAMP_BYTES
const HEAD_BYTES = LENGTHS_AT + 3

/** What a write consists of before it is a record; lengths have been checked. */
export interface RecordParts {
  readonly id: string
  readonly state: string
  readonly contentType: string
  /** Text is stored as UTF-8; bytes are copied. `undefined`: a delete. */
  readonly value: string | Uint8Array | undefined
}

/**
 * A record that lacks its stamp. Its bytes are ours alone from here on. The value that it was made of may change while the write
 * waits for space or a stamp: that is not stored [W11].
 */
export interface RecordDraft extends Omit<RecordParts, 'value'> {
  readonly record: Uint8Array
  /** Within the record; `undefined`: a delete. */
  readonly bytes: Uint8Array | undefined
}

export function draftRecord(parts: RecordParts): RecordDraft {
  const { id, state, contentType, value } = parts
  const idBytes = Buffer.byteLength(id)
  const stateBytes = Buffer.byteLength(state)
  const valueAt = HEAD_BYTES + idBytes + stateBytes + contentType.length
  const record = Buffer.allocUnsafe(valueAt + lengthOf(value))
  record[0] = FORMAT
  record[1] = value === undefined ? KIND_DELETE : KIND_PUT
  record[LENGTHS_AT] = idBytes
  record[LENGTHS_AT + 1] = stateBytes
  record[LENGTHS_AT + 2] = contentType.length
  record.write(id, HEAD_BYTES)
  record.write(state, HEAD_BYTES + idBytes)
  record.write(contentType, HEAD_BYTES + idBytes + stateBytes, 'latin1')
  if (typeof value === 'string') record.write(value, valueAt)
  else if (value !== undefined) record.set(value, valueAt)
  return { id, state, contentType, record, bytes: value === undefined ? undefined : record.subarray(valueAt) }
}

function lengthOf(value: RecordParts['value']): number {
  if (value === undefined) return 0
  return typeof value === 'string' ? Buffer.byteLength(value) : value.length
}

/**
 * Makes a draft the record of a write, which holds its bytes: one copy serves log, pending set and tiers. A draft becomes
 * one record only.
 */
export function stampRecord(draft: RecordDraft, stamp: Stamp): { record: Uint8Array; write: ItemWrite } {
  const { id, state, contentType, record, bytes } = draft
  encodeStamp(stamp, record, STAMP_AT)
  return { record, write: { id, stamp, state, contentType, bytes } }
}

/** The record of a write that has its stamp. */
export function encodeRecord(write: RecordParts & { readonly stamp: Stamp }): {
  record: Uint8Array
  write: ItemWrite
} {
  return stampRecord(draftRecord(write), write.stamp)
}

/**
 * The inverse of {@link encodeRecord}.
 *
 * @throws CorruptData when the bytes are no record of this format
 */
export function decodeRecord(record: Uint8Array): ItemWrite {
  if (record.length < HEAD_BYTES)
    throw corrupt(`has ${record.length} bytes, its head alone has ${HEAD_BYTES}`)
  if (record[0] !== FORMAT) throw corrupt(`has format ${record[0]}, this version reads ${FORMAT}`)
  const kind = record[1]
  if (kind !== KIND_PUT && kind !== KIND_DELETE) throw corrupt(`has kind ${kind}`)
  const stateAt = HEAD_BYTES + record[LENGTHS_AT]!
  const contentTypeAt = stateAt + record[LENGTHS_AT + 1]!
  const valueAt = contentTypeAt + record[LENGTHS_AT + 2]!
  if (
    stateAt === HEAD_BYTES ||
    valueAt > record.length ||
    (kind === KIND_DELETE && valueAt !== record.length)
  ) {
    throw corrupt('has lengths that do not add up')
  }
  const text = Buffer.from(record.buffer, record.byteOffset, record.byteLength)
  return {
    id: text.toString('utf8', HEAD_BYTES, stateAt),
    stamp: decodeStamp(record, STAMP_AT),
    state: text.toString('utf8', stateAt, contentTypeAt),
    contentType: text.toString('latin1', contentTypeAt, valueAt),
    bytes: kind === KIND_PUT ? record.subarray(valueAt) : undefined,
  }
}

/** The writes in a log from a sequence on. @throws CorruptData, and what the log throws */
export async function* readLog(
  log: Pick<Log, 'replay'>,
  from: number,
): AsyncGenerator<{ readonly write: ItemWrite; readonly logSequence: number }> {
  for await (const { sequence, bytes } of log.replay(from)) {
    yield { write: decodeRecord(bytes), logSequence: sequence }
  }
}

function corrupt(what: string): CorruptData {
  return new CorruptData(`log record ${what}`)
}
