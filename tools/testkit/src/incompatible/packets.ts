/**
 * Packets of the MySQL protocol: 3 bytes of length, 1 byte of number, then so many bytes. What has 2^24 - 1 bytes or more is sent in
 * parts of 2^24 - 1, and ends with a shorter part, if need be an empty one. Pure.
 *
 * Source: MySQL Internals, "Client/Server Protocol", "MySQL Packets".
 */

const HEAD_BYTES = 4
const PART_BYTES = 2 ** 24 - 1

/** One command or answer, its parts joined. */
export interface Packet {
  /** Number of its first part: 0 begins a command. */
  readonly sequence: number
  /** Number of its last part; its answer begins with the next one. */
  readonly lastSequence: number
  readonly payload: Buffer
}

/** Cuts a stream into packets, however it was split on its way. */
export class PacketReader {
  /** Bytes that are no whole part yet. They are joined once there are enough. */
  readonly #chunks: Buffer[] = []
  #bytes = 0
  /** Parts of the packet that is still to come. */
  readonly #parts: Buffer[] = []
  #firstSequence = 0

  /** @returns the packets that the chunk completes */
  push(chunk: Buffer): readonly Packet[] {
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    const packets: Packet[] = []
    for (;;) {
      const part = this.#takePart()
      if (part === undefined) return packets
      if (this.#parts.length === 0) this.#firstSequence = part.sequence
      this.#parts.push(part.body)
      if (part.body.length === PART_BYTES) continue
      const payload = this.#parts.length === 1 ? part.body : Buffer.concat(this.#parts)
      packets.push({ sequence: this.#firstSequence, lastSequence: part.sequence, payload })
      this.#parts.length = 0
    }
  }

  #takePart(): { readonly sequence: number; readonly body: Buffer } | undefined {
    if (this.#bytes < HEAD_BYTES) return undefined
    const head = this.#peek(HEAD_BYTES)
    const bytes = HEAD_BYTES + head.readUIntLE(0, 3)
    if (this.#bytes < bytes) return undefined
    const whole = this.#peek(bytes)
    const rest = this.#chunks[0]!.subarray(bytes)
    if (rest.length === 0) this.#chunks.shift()
    else this.#chunks[0] = rest
    this.#bytes -= bytes
    return { sequence: whole[3]!, body: whole.subarray(HEAD_BYTES) }
  }

  /** The next bytes, in one piece, which is then the first chunk's beginning. */
  #peek(bytes: number): Buffer {
    if (this.#chunks[0]!.length < bytes) {
      const joined = Buffer.concat(this.#chunks)
      this.#chunks.length = 0
      this.#chunks.push(joined)
    }
    return this.#chunks[0]!.subarray(0, bytes)
  }
}

/** @param sequence number of the first part; they count on modulo 256 */
export function encodePacket(payload: Buffer, sequence: number): Buffer {
  const pieces: Buffer[] = []
  for (let at = 0, number = sequence; ; at += PART_BYTES, number++) {
    const body = payload.subarray(at, at + PART_BYTES)
    const head = Buffer.alloc(HEAD_BYTES)
    head.writeUIntLE(body.length, 0, 3)
    head[3] = number % 256
    pieces.push(head, body)
    if (body.length < PART_BYTES) return Buffer.concat(pieces)
  }
}

/** First bytes of commands. Source: "Command Phase". */
export const COMMANDS = {
  quit: 0x01,
  query: 0x03,
  prepare: 0x16,
  execute: 0x17,
  longData: 0x18,
  close: 0x19,
} as const

/** Payload of the packet that asks for a statement without values. Source: "COM_QUERY", without attributes. */
export function queryPayload(text: string): Buffer {
  return Buffer.concat([Buffer.from([COMMANDS.query]), Buffer.from(text)])
}

/** An error as a server answers with it. */
export interface ServerError {
  readonly errno: number
  /** Five characters. */
  readonly sqlState: string
  readonly text: string
}

const ERROR = 0xff

/** Payload of the packet that tells an error. Source: "ERR_Packet", protocol 4.1. */
export function errorPayload({ errno, sqlState, text }: ServerError): Buffer {
  const head = Buffer.alloc(3)
  head[0] = ERROR
  head.writeUInt16LE(errno, 1)
  return Buffer.concat([head, Buffer.from(`#${sqlState}${text}`)])
}

const PROTOCOL_VERSION = 10
/** Between the version and the flags: number of the connection, first part of the challenge, a zero. */
const BETWEEN_BYTES = 4 + 8 + 1
const COMPRESS = 0x20
const SSL = 0x800
/** Of the upper half of the flags, which stands behind the lower one, a character set and a status: lists end without an EOF packet. */
const DEPRECATE_EOF = 0x100
const UPPER_FLAGS_BYTES = 2 + 1 + 2

/**
 * The server's first packet under another version, without the offers to compress, to encrypt and to do without EOF: what then follows could not
 * be read. One that is not a greeting (a server that refuses the connection at once) is left as it is. Source: "HandshakeV10".
 */
export function rewriteGreeting(payload: Buffer, version: string): Buffer {
  if (payload[0] !== PROTOCOL_VERSION) return payload
  const versionEnd = payload.indexOf(0, 1)
  const rest = Buffer.from(payload.subarray(versionEnd))
  const flagsAt = 1 + BETWEEN_BYTES
  rest.writeUInt16LE(rest.readUInt16LE(flagsAt) & ~(COMPRESS | SSL), flagsAt)
  const upperAt = flagsAt + UPPER_FLAGS_BYTES
  rest.writeUInt16LE(rest.readUInt16LE(upperAt) & ~DEPRECATE_EOF, upperAt)
  return Buffer.concat([Buffer.from([PROTOCOL_VERSION]), Buffer.from(version), rest])
}

/** What a server says of a statement that it has prepared. */
export interface PreparedAnswer {
  readonly id: number
  readonly columnCount: number
  readonly parameterCount: number
}

/** `undefined`: it was not prepared. Source: "COM_STMT_PREPARE_OK". */
export function readPrepared(payload: Buffer): PreparedAnswer | undefined {
  if (payload[0] !== 0 || payload.length < 9) return undefined
  return {
    id: payload.readUInt32LE(1),
    columnCount: payload.readUInt16LE(5),
    parameterCount: payload.readUInt16LE(7),
  }
}

const EXECUTE_FIXED_BYTES = 10
/** Types whose values have a length of their own in bytes; those of `LENGTHS` have a fixed one, and NULL (6) has none. */
const LENGTHS: Readonly<Record<number, number>> = { 1: 1, 2: 2, 3: 4, 4: 4, 5: 8, 8: 8, 9: 4, 13: 2 }
const NULL_TYPE = 6
/** Of dates and times: one byte of length, then as many. */
const TEMPORAL_TYPES = [7, 10, 11, 12]

/**
 * Bytes of the longest value of an execution, 0 without any; an execution that relies on the types of an earlier one is not read, and
 * counts as a whole. Source: "COM_STMT_EXECUTE", without attributes of queries.
 */
export function longestValueBytes(payload: Buffer, parameterCount: number): number {
  if (parameterCount === 0) return 0
  const nullBytes = Math.ceil(parameterCount / 8)
  const typesAt = EXECUTE_FIXED_BYTES + nullBytes + 1
  if (payload[typesAt - 1] !== 1) return payload.length
  let at = typesAt + 2 * parameterCount
  let longest = 0
  for (let index = 0; index < parameterCount; index++) {
    const isNull = (payload[EXECUTE_FIXED_BYTES + (index >> 3)]! & (1 << (index & 7))) !== 0
    const type = payload[typesAt + 2 * index]!
    if (isNull || type === NULL_TYPE) continue
    if (TEMPORAL_TYPES.includes(type)) at += 1 + payload[at]!
    else if (LENGTHS[type] !== undefined) at += LENGTHS[type]
    else {
      const { bytes, headBytes } = readLength(payload, at)
      longest = Math.max(longest, bytes)
      at += headBytes + bytes
    }
  }
  return longest
}

/** Source: "Length-Encoded Integer Type". */
function readLength(payload: Buffer, at: number): { readonly bytes: number; readonly headBytes: number } {
  switch (payload[at]) {
    case 0xfc:
      return { bytes: payload.readUInt16LE(at + 1), headBytes: 3 }
    case 0xfd:
      return { bytes: payload.readUIntLE(at + 1, 3), headBytes: 4 }
    case 0xfe:
      return { bytes: Number(payload.readBigUInt64LE(at + 1)), headBytes: 9 }
    default:
      return { bytes: payload[at]!, headBytes: 1 }
  }
}
