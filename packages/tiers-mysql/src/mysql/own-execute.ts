import type { Connection } from 'mysql2'
import type { SqlValue } from '../item-row.ts'
import { encodeExecute, PACKET_HEAD_BYTES } from './execute-packet.ts'

/** What is used of the driver's inside. Where it is not as described here, the driver encodes by itself. */
interface DriverConnection {
  addCommand?: (command: DriverCommand) => DriverCommand
  readonly writePacket?: (packet: DriverPacket) => void
  readonly config?: { readonly clientFlags?: number }
  readonly serverCapabilityFlags?: number
}

/** A command in the driver's queue. `start` sends it, once those before it have ended. */
interface DriverCommand {
  start?: (packet: unknown, connection: DriverConnection) => unknown
  readonly statement?: { readonly id?: number }
  parameters?: readonly SqlValue[]
  _connection?: DriverConnection
}

interface DriverPacket {
  readonly buffer: Buffer
  readonly _name: string
  /** Without the space for its head. */
  length(): number
  writeHeader(sequenceId: number): void
}

const QUERY_ATTRIBUTES = 2 ** 27
/** Of one packet; longer ones are cut. */
const PACKET_BYTES_MAX = 2 ** 24 - 1

/** From now on the connection's executions of prepared statements are encoded here; all else remains the driver's. */
export function encodeExecutions(raw: Connection): void {
  const connection = raw as unknown as DriverConnection
  const { addCommand } = connection
  if (typeof addCommand !== 'function' || typeof connection.writePacket !== 'function') return
  connection.addCommand = function (command) {
    const { start } = command
    if (Array.isArray(command.parameters) && typeof start === 'function') {
      command.start = (packet, through) => startWith(command, start, packet, through)
    }
    return addCommand.call(this, command)
  }
}

/** Lets the driver send the execution of no values, and puts the packet with all of them in its place. */
function startWith(
  command: DriverCommand,
  start: NonNullable<DriverCommand['start']>,
  packet: unknown,
  connection: DriverConnection,
): unknown {
  const { parameters: values = [], statement } = command
  const encoded =
    statement?.id === undefined ? undefined : encodeExecute(statement.id, values, hasAttributes(connection))
  if (encoded === undefined) return start.call(command, packet, connection)
  const own: DriverConnection = Object.create(connection, {
    writePacket: { value: () => send(connection, encoded) },
  })
  command.parameters = []
  const next = start.call(command, packet, own)
  command.parameters = values
  command._connection = connection
  return next
}

function hasAttributes({ config, serverCapabilityFlags = 0 }: DriverConnection): boolean {
  return ((config?.clientFlags ?? 0) & serverCapabilityFlags & QUERY_ATTRIBUTES) !== 0
}

/**
 * The driver cuts what is longer than a packet, but does not know that one that ends with a full packet needs an empty one behind it: the
 * server would wait for more.
 */
function send(connection: DriverConnection, encoded: Buffer): void {
  connection.writePacket!(packetOf(encoded))
  if ((encoded.length - PACKET_HEAD_BYTES) % PACKET_BYTES_MAX === 0) {
    connection.writePacket!(packetOf(Buffer.alloc(PACKET_HEAD_BYTES)))
  }
}

function packetOf(buffer: Buffer): DriverPacket {
  const length = buffer.length - PACKET_HEAD_BYTES
  return {
    buffer,
    _name: 'Execute',
    length: () => length,
    writeHeader(sequenceId) {
      buffer.writeUIntLE(length, 0, 3)
      buffer[3] = sequenceId
    },
  }
}
