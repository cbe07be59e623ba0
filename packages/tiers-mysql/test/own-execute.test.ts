// Goal: the driver's executions go out with our packet, and the driver never notices; where it is built in another way, it encodes itself.
// Method: a driver reduced to what is used of it. That the real one is built so is seen by the contract suite on a real server.
import type { Connection } from 'mysql2'
import { expect, it } from 'vitest'
import type { SqlValue } from '../src/item-row.ts'
import { encodeExecute } from '../src/mysql/execute-packet.ts'
import { encodeExecutions } from '../src/mysql/own-execute.ts'

const DRIVERS_OWN = Buffer.from('the packet of the driver')

interface SentPacket {
  readonly buffer: Buffer
  length(): number
  writeHeader(sequenceId: number): void
}

function fakeDriver(more: object = {}) {
  const sent: Buffer[] = []
  const connection = {
    config: { clientFlags: 0 },
    serverCapabilityFlags: 0,
    writePacket(packet: SentPacket) {
      // What is longer it cuts, and writes each head itself.
      if (packet.length() < 2 ** 24 - 1) packet.writeHeader(3)
      sent.push(Buffer.from(packet.buffer))
    },
    addCommand(command: FakeCommand) {
      return command.start?.('packet', connection)
    },
    ...more,
  }
  encodeExecutions(connection as unknown as Connection)
  return { sent, connection }
}

class FakeCommand {
  readonly statement: { readonly id?: number } = { id: 77 }
  parameters?: readonly SqlValue[]
  seen: readonly SqlValue[] | undefined
  _connection: unknown

  constructor(parameters?: readonly SqlValue[]) {
    if (parameters !== undefined) this.parameters = parameters
  }

  start(_packet: unknown, connection: { writePacket(packet: SentPacket): void }) {
    this._connection = connection
    this.seen = this.parameters
    connection.writePacket({ buffer: DRIVERS_OWN, length: () => 0, writeHeader: () => {} })
    return 'next'
  }
}

const VALUES = ['a', 1, null]

it('an execution goes out with our packet; the driver goes on as if it were its own', () => {
  const { sent, connection } = fakeDriver()
  const command = new FakeCommand(VALUES)
  expect(connection.addCommand(command)).toBe('next')
  const expected = encodeExecute(77, VALUES, false)!
  expected.writeUIntLE(expected.length - 4, 0, 3)
  expected[3] = 3
  expect(sent).toEqual([expected])
  expect(command).toMatchObject({ seen: [], parameters: VALUES })
  expect(command._connection).toBe(connection)
})

it.each([
  [2 ** 24 - 2, 1],
  [2 ** 24 - 1, 2],
  [2 ** 24, 1],
])('%i bytes: behind a full packet comes an empty one [P72]', (bytes, count) => {
  const { sent, connection } = fakeDriver()
  const head = encodeExecute(77, [Buffer.alloc(2 ** 16)], false)!.length - 4 - 2 ** 16
  connection.addCommand(new FakeCommand([Buffer.alloc(bytes - head)]))
  expect(sent[0]).toHaveLength(4 + bytes)
  expect(sent.slice(1)).toEqual(Array.from({ length: count - 1 }, () => Buffer.from([0, 0, 0, 3])))
})

it('where client and server take attributes of queries, the packet says so', () => {
  const { sent, connection } = fakeDriver({ config: { clientFlags: -1 }, serverCapabilityFlags: 2 ** 27 })
  connection.addCommand(new FakeCommand(VALUES))
  expect(sent[0]!.subarray(4)).toEqual(encodeExecute(77, VALUES, true)!.subarray(4))
})

it.each([
  ['another command', {}, new FakeCommand()],
  ['a value of a kind of its own', {}, new FakeCommand([new Date(0) as unknown as SqlValue])],
  ['a statement without a number', {}, Object.assign(new FakeCommand(VALUES), { statement: {} })],
])('%s is left to the driver', (_title, more, command) => {
  const { sent, connection } = fakeDriver(more)
  const { parameters } = command
  expect(connection.addCommand(command)).toBe('next')
  expect(sent).toEqual([DRIVERS_OWN])
  expect(command.seen).toBe(parameters)
})

it('a driver without these is used as it is', () => {
  const bare = {} as Connection
  encodeExecutions(bare)
  expect(bare).toEqual({})
})
