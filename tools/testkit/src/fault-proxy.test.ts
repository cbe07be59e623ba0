// Goal: each fault does to the connection what it says, seen from both ends.
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { startFaultProxy, type FaultProxy } from './fault-proxy.ts'
import { connectSql } from './services/connect.ts'
import { startPrivateMariaDb } from './services/index.ts'

/** The far side: what it received, and its open sockets. */
let received: string
let serverSockets: Socket[]
let server: Server
let proxy: FaultProxy
const clients: Socket[] = []

beforeEach(async () => {
  received = ''
  serverSockets = []
  server = createServer((socket) => {
    serverSockets.push(socket)
    socket.on('error', () => undefined)
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1')
      socket.write(`echo ${chunk.toString('latin1')}`)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  proxy = await startFaultProxy({ targetPort: (server.address() as AddressInfo).port })
})

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy()
  await proxy.close()
  for (const socket of serverSockets) socket.destroy()
  server.close()
})

/** A client that collects what it gets, and how it ended. */
function dial() {
  const raw = connect({ port: proxy.port, host: '127.0.0.1' })
  const socket = Object.assign(raw, {
    heard: '',
    failure: undefined as string | undefined,
    whenClosed: new Promise((resolve) => raw.once('close', resolve)),
  })
  socket.on('data', (chunk: Buffer) => {
    socket.heard += chunk.toString('latin1')
  })
  socket.on('error', (error: NodeJS.ErrnoException) => {
    socket.failure = error.code
  })
  clients.push(socket)
  return socket
}

async function hears(client: { heard: string }, text: string): Promise<void> {
  await vi.waitFor(() => {
    expect(client.heard).toContain(text)
  })
}

/** True when something sent after, on another way to the same server, has arrived: had the proxy forwarded, so had this. */
async function settle(): Promise<void> {
  const direct = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' })
  for (let round = 0; round < 5; round++) {
    direct.write('x')
    await once(direct, 'data')
  }
  direct.destroy()
}

test('forwards both ways, and a half-closed end', async () => {
  const client = dial()
  client.write('hello')
  await hears(client, 'echo hello')
  expect(proxy.connections).toBe(1)
  client.end()
  await vi.waitFor(() => {
    expect(proxy.connections).toBe(0)
  })
  expect(client.failure).toBeUndefined()
  expect(proxy.acceptedCount).toBe(1)
})

test('carries more than any buffer holds, unharmed', async () => {
  const client = dial()
  const text = 'abcdefghij'.repeat(500_000)
  client.write(text)
  await vi.waitFor(
    () => {
      expect(received.length).toBe(text.length)
    },
    { timeout: 10_000 },
  )
  expect(received === text).toBe(true)
})

test('cut resets both ends, and lets new connections through', async () => {
  const client = dial()
  client.write('one')
  await hears(client, 'echo one')
  proxy.cut()
  await client.whenClosed
  expect(client.failure).toBe('ECONNRESET')
  expect(proxy.connections).toBe(0)
  await vi.waitFor(() => {
    expect(serverSockets[0]?.destroyed).toBe(true)
  })
  const next = dial()
  next.write('two')
  await hears(next, 'echo two')
})

test('retarget leads new connections elsewhere, to several in turn, and leaves those there are', async () => {
  const client = dial()
  client.write('one')
  await hears(client, 'echo one')
  const others = await Promise.all(
    ['first', 'second'].map(async (name) => {
      const other = createServer((socket) => socket.end(name))
      other.listen(0, '127.0.0.1')
      await once(other, 'listening')
      return other
    }),
  )
  proxy.retarget(...others.map((other) => (other.address() as AddressInfo).port))
  for (const name of ['first', 'second', 'first']) await hears(dial(), name)
  client.write('two')
  await hears(client, 'echo two')
  for (const ports of [[], [0], [1, 65_536]]) {
    expect(() => {
      proxy.retarget(...ports)
    }).toThrow(/targetPort/)
  }
  for (const other of others) other.close()
})

test('cut on the client side leaves the server its end until close', async () => {
  const client = dial()
  client.write('one')
  await hears(client, 'echo one')
  proxy.cut('client')
  await client.whenClosed
  await settle()
  expect(serverSockets[0]?.destroyed).toBe(false)
  await proxy.close()
  await vi.waitFor(() => {
    expect(serverSockets[0]?.destroyed).toBe(true)
  })
})

test('stall holds old and new connections, and resume delivers all', async () => {
  const client = dial()
  client.write('before ')
  await hears(client, 'before')
  proxy.stall()
  client.write('during ')
  const late = dial()
  await once(late, 'connect')
  late.write('late ')
  await settle()
  expect(received.replaceAll('x', '')).toBe('before ')
  await proxy.resume()
  await hears(client, 'echo during')
  await hears(late, 'echo late')
})

test('stall in one direction lets the question arrive and holds the answer', async () => {
  const client = dial()
  client.write('first ')
  await hears(client, 'echo first')
  proxy.stall('to-client')
  client.write('second ')
  await vi.waitFor(() => {
    expect(received).toContain('second')
  })
  await settle()
  expect(client.heard).not.toContain('second')
  await proxy.resume()
  await hears(client, 'echo second')
})

test('a client that gives up during a stall is only noticed at resume', async () => {
  const client = dial()
  client.write('one')
  await hears(client, 'echo one')
  proxy.stall()
  client.resetAndDestroy()
  await settle()
  expect(serverSockets[0]?.destroyed).toBe(false)
  await proxy.resume()
  await vi.waitFor(() => {
    expect(serverSockets[0]?.destroyed).toBe(true)
  })
})

test('blackHole swallows, and resume breaks what lost something', async () => {
  const client = dial()
  client.write('kept ')
  await hears(client, 'echo kept')
  const idle = dial()
  idle.write('idle ')
  await hears(idle, 'echo idle')
  proxy.blackHole()
  client.write('lost ')
  await settle()
  expect(received).not.toContain('lost')
  await proxy.resume()
  await client.whenClosed
  expect(client.failure).toBe('ECONNRESET')
  idle.write('alive ')
  await hears(idle, 'echo alive')
})

test('refuse breaks connections and refuses new ones on the same port until resume', async () => {
  const { port } = proxy
  const client = dial()
  client.write('one')
  await hears(client, 'echo one')
  await proxy.refuse()
  await vi.waitFor(() => {
    expect(client.destroyed).toBe(true)
  })
  const refused = dial()
  await refused.whenClosed
  expect(refused.failure).toBe('ECONNREFUSED')
  await proxy.resume()
  expect(proxy.port).toBe(port)
  const next = dial()
  next.write('two')
  await hears(next, 'echo two')
})

test('dropAfter delivers exactly so many bytes, across chunks', async () => {
  const client = dial()
  const dropped = proxy.dropAfter(8)
  client.write('12345')
  await hears(client, 'echo 12345')
  client.write('67890')
  await dropped
  await client.whenClosed
  expect(client.failure).toBe('ECONNRESET')
  await vi.waitFor(() => {
    expect(received).toBe('12345678')
  })
  // Once only.
  const next = dial()
  next.write('all of it')
  await hears(next, 'echo all of it')
})

test('dropAfter in the other direction tears the answer', async () => {
  const client = dial()
  const dropped = proxy.dropAfter(7, 'to-client')
  client.write('question')
  await dropped
  await client.whenClosed
  expect(client.heard).toBe('echo qu')
  expect(received).toBe('question')
})

test('cutWhen can let the chunk arrive or withhold it', async () => {
  const forwarded = proxy.cutWhen((chunk, direction) => direction === 'to-server' && chunk.includes('COMMIT'))
  const client = dial()
  client.write('BEGIN ')
  await hears(client, 'echo BEGIN')
  client.write('COMMIT ')
  await forwarded
  await client.whenClosed
  await vi.waitFor(() => {
    expect(received).toBe('BEGIN COMMIT ')
  })
  expect(client.heard).toBe('echo BEGIN ')

  const withheld = proxy.cutWhen((chunk) => chunk.includes('ROLLBACK'), { isForwarded: false })
  const next = dial()
  next.write('ROLLBACK ')
  await withheld
  await next.whenClosed
  await settle()
  expect(received).not.toContain('ROLLBACK')
})

test('a server that is down breaks the client', async () => {
  const lonely = createServer()
  lonely.listen(0, '127.0.0.1')
  await once(lonely, 'listening')
  const { port } = lonely.address() as AddressInfo
  lonely.close()
  await once(lonely, 'close')
  await proxy.close()
  proxy = await startFaultProxy({ targetPort: port })
  const client = dial()
  await client.whenClosed
  expect(client.heard).toBe('')
})

test('refuses ports and byte counts that are none', async () => {
  await expect(startFaultProxy({ targetPort: 0 })).rejects.toThrow(/targetPort.*1 to 65535/)
  expect(() => proxy.dropAfter(-1)).toThrow(/bytes/)
})

describe('in front of MariaDB', () => {
  test('a COMMIT whose answer is lost has happened; one that never arrived holds its locks', async () => {
    const mariaDb = await startPrivateMariaDb()
    const sqlProxy = await startFaultProxy({ targetPort: mariaDb.port })
    const throughProxy = new URL(mariaDb.url)
    throughProxy.port = String(sqlProxy.port)
    const direct = await connectSql(mariaDb.url)
    try {
      await direct.query('CREATE TABLE t (id INT PRIMARY KEY) ENGINE=InnoDB')
      const isCommit = (chunk: Buffer, direction: string) =>
        direction === 'to-server' && chunk.includes('COMMIT')

      const first = await connectSql(throughProxy.href)
      await first.query('BEGIN')
      await first.query('INSERT INTO t VALUES (1)')
      void sqlProxy.cutWhen(isCommit)
      await expect(first.query('COMMIT')).rejects.toThrow()
      await vi.waitFor(async () => {
        expect((await direct.query('SELECT id FROM t'))[0]).toEqual([{ id: 1 }])
      })

      const second = await connectSql(throughProxy.href)
      await second.query('BEGIN')
      await second.query('INSERT INTO t VALUES (2)')
      void sqlProxy.cutWhen(isCommit, { isForwarded: false, side: 'client' })
      await expect(second.query('COMMIT')).rejects.toThrow()
      await expect(direct.query('SELECT id FROM t WHERE id = 2 FOR UPDATE NOWAIT')).rejects.toThrow(
        /Lock wait/,
      )
      await sqlProxy.close()
      await vi.waitFor(async () => {
        expect((await direct.query('SELECT id FROM t FOR UPDATE NOWAIT'))[0]).toEqual([{ id: 1 }])
      })
    } finally {
      direct.destroy()
      await sqlProxy.close()
      await mariaDb.stop()
    }
  })
})
