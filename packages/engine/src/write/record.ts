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
  readonly stamp: Stamp
  readonly state: string
  readonly contentType: string
  /** Text is stored as UTF-8; bytes are copied, so that the caller may go on using its buffer. `undefined`: a delete. */
  readonly value: string | Uint8Array | undefined
}

/**
 * Encodes a write for the log. The value's bytes in the returned write lie inside the record: one copy serves
 * log, memory and tiers.
 */
export function encodeRecord(parts: RecordParts): { record: Uint8Array; write: ItemWrite } {
  const { id, stamp, state, contentType, value } = parts
  const idBytes = Buffer.byteLength(id)
  const stateBytes = Buffer.byteLength(state)
  const valueAt = HEAD_BYTES + idBytes + stateBytes + contentType.length
  const valueBytes =
    value === undefined ? 0 : typeof value === 'string' ? Buffer.byteLength(value) : value.length
  const record = Buffer.allocUnsafe(valueAt + valueBytes)
  record[0] = FORMAT
  record[1] = value === undefined ? KIND_DELETE : KIND_PUT
  encodeStamp(stamp, record, STAMP_AT)
  record[LENGTHS_AT] = idBytes
  record[LENGTHS_AT + 1] = stateBytes
  record[LENGTHS_AT + 2] = contentType.length
  record.write(id, HEAD_BYTES)
  record.write(state, HEAD_BYTES + idBytes)
  record.write(contentType, HEAD_BYTES + idBytes + stateBytes, 'latin1')
  if (typeof value === 'string') record.write(value, valueAt)
  else if (value !== undefined) record.set(value, valueAt)
  const bytes = value === undefined ? undefined : record.subarray(valueAt)
  return { record, write: { id, stamp, state, contentType, bytes } }
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
