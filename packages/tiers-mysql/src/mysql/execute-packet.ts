import type { SqlValue } from '../item-row.ts'

/**
 * The packet that runs a prepared statement (COM_STMT_EXECUTE), written in one pass over the values. The driver makes an object
 * for each value and measures before it writes; for the 11,000 values of a batch that costs more than all else that Node does for it.
 */

/** Space in front of the packet for its length and number. */
export const PACKET_HEAD_BYTES = 4
const COMMAND = 0x17
const PARAMETER_COUNT_AVAILABLE = 8
/** Command, statement, flags, and how often it is to be run. */
const FIXED_BYTES = 10
/** Longest form of a length, or of a number of values. */
const LENGTH_BYTES_MAX = 9
const NUMBER_BYTES = 8
const UTF8_BYTES_MAX = 3
/** The largest length that is one byte. */
const SHORT_MAX = 250
const TYPE = { double: 5, null: 6, integer: 8, blob: 252, text: 253 } as const

/**
 * Encodes as the driver does, byte by byte: texts, whole numbers as BIGINT and others as DOUBLE, bytes, null.
 *
 * @param hasAttributes the server takes attributes of queries, so each value has a name, an empty one
 * @returns the packet behind {@link PACKET_HEAD_BYTES} of space; `undefined`: a value is of another kind
 */
export function encodeExecute(
  statementId: number,
  values: readonly SqlValue[],
  hasAttributes: boolean,
): Buffer | undefined {
  const bytesMax = bytesMaxOf(values)
  if (bytesMax === undefined) return undefined
  const packet = new PacketWriter(bytesMax)
  packet.byte(COMMAND)
  packet.uint32(statementId)
  packet.byte(hasAttributes ? PARAMETER_COUNT_AVAILABLE : 0)
  packet.uint32(1)
  if (hasAttributes) packet.length(values.length)
  if (values.length === 0) return packet.end()
  packet.bits(values, (value) => value === null)
  // The types follow.
  packet.byte(1)
  for (const value of values) {
    packet.byte(typeOf(value))
    packet.byte(0)
    if (hasAttributes) packet.byte(0)
  }
  for (const value of values) {
    if (typeof value === 'string') packet.text(value)
    else if (typeof value === 'number') packet.number(value)
    else if (value !== null) packet.bytes(value)
  }
  return packet.end()
}

function typeOf(value: SqlValue): number {
  if (typeof value === 'string') return TYPE.text
  if (typeof value === 'number') return Number.isSafeInteger(value) ? TYPE.integer : TYPE.double
  return value === null ? TYPE.null : TYPE.blob
}

/** Upper bound of a packet, the space in front included; `undefined`: a value is of another kind than the types say. */
function bytesMaxOf(values: readonly SqlValue[]): number | undefined {
  // A null bit, a type, a sign and a name for each value.
  let bytes = PACKET_HEAD_BYTES + FIXED_BYTES + LENGTH_BYTES_MAX + 1 + values.length * 4 + 1
  for (const value of values) {
    if (typeof value === 'string') bytes += LENGTH_BYTES_MAX + UTF8_BYTES_MAX * value.length
    else if (typeof value === 'number') bytes += NUMBER_BYTES
    else if (Buffer.isBuffer(value)) bytes += LENGTH_BYTES_MAX + value.length
    else if (value !== null) return undefined
  }
  return bytes
}

/** Writes the kinds of values of the protocol one after the other. */
class PacketWriter {
  readonly #buffer: Buffer
  #at = PACKET_HEAD_BYTES

  constructor(bytesMax: number) {
    this.#buffer = Buffer.allocUnsafe(bytesMax)
  }

  byte(value: number): void {
    this.#buffer[this.#at++] = value
  }

  uint32(value: number): void {
    this.#at = this.#buffer.writeUInt32LE(value, this.#at)
  }

  number(value: number): void {
    if (!Number.isSafeInteger(value)) this.#at = this.#buffer.writeDoubleLE(value, this.#at)
    else {
      this.uint32(value >>> 0)
      this.uint32(Math.floor(value / 2 ** 32) >>> 0)
    }
  }

  /** A length in as few bytes as the driver gives it: 1, 3, 4 or 9. */
  length(value: number): void {
    if (value <= SHORT_MAX) return this.byte(value)
    if (value < 2 ** 16 - 1) {
      this.byte(0xfc)
      this.#at = this.#buffer.writeUInt16LE(value, this.#at)
    } else if (value < 2 ** 24 - 1) {
      this.byte(0xfd)
      this.#at = this.#buffer.writeUIntLE(value, this.#at, 3)
    } else {
      this.byte(0xfe)
      this.uint32(value % 2 ** 32)
      this.uint32(Math.floor(value / 2 ** 32))
    }
  }

  text(value: string): void {
    // Its length is one byte for certain: written behind it, then noted.
    if (value.length * UTF8_BYTES_MAX <= SHORT_MAX) {
      const bytes = this.#buffer.write(value, this.#at + 1)
      this.#buffer[this.#at] = bytes
      this.#at += 1 + bytes
      return
    }
    this.length(Buffer.byteLength(value))
    this.#at += this.#buffer.write(value, this.#at)
  }

  bytes(value: Uint8Array): void {
    this.length(value.length)
    this.#buffer.set(value, this.#at)
    this.#at += value.length
  }

  /** A bit for each, the lowest first. */
  bits<T>(list: readonly T[], isSet: (element: T) => boolean): void {
    for (let first = 0; first < list.length; first += 8) {
      let byte = 0
      for (let bit = 0; bit < 8 && first + bit < list.length; bit++) {
        if (isSet(list[first + bit]!)) byte |= 1 << bit
      }
      this.byte(byte)
    }
  }

  end(): Buffer {
    return this.#buffer.subarray(0, this.#at)
  }
}
