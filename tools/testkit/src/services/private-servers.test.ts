// Goal: a test may do anything to a server of its own, and nothing of it stays.
import { existsSync, readFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { Cluster } from 'ioredis'
import { afterEach, describe, expect, test } from 'vitest'
import { timersLeft } from '../../test/timers-left.ts'
import { connectRedis, connectSql } from './connect.ts'
import { identifyProcess } from './process-identity.ts'
import {
  startPrivateMariaDb,
  startPrivateRedis,
  startPrivateRedisCluster,
  TestServerUnavailable,
} from './index.ts'

const started: { stop(): Promise<void> }[] = []

/** Ended after the test even if it fails. */
async function keep<T extends { stop(): Promise<void> }>(starting: Promise<T>): Promise<T> {
  const server = await starting
  started.push(server)
  return server
}

afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.stop()))
})

async function redisCall(url: string, command: string, ...args: string[]): Promise<unknown> {
  const client = await connectRedis(url)
  try {
    return await client.call(command, ...args)
  } finally {
    client.disconnect()
  }
}

async function sqlQuery(url: string, statement: string): Promise<unknown> {
  const connection = await connectSql(url)
  try {
    const [rows] = await connection.query(statement)
    return rows
  } finally {
    connection.destroy()
  }
}

describe('startPrivateRedis', () => {
  test('gives each caller a server of its own, empty', async () => {
    const [first, second] = await Promise.all([keep(startPrivateRedis()), keep(startPrivateRedis())])
    expect(first.port).not.toBe(second.port)
    expect(first.pid).not.toBe(second.pid)
    await redisCall(first.url, 'SET', 'key', 'value')
    expect(await redisCall(first.url, 'DBSIZE')).toBe(1)
    expect(await redisCall(second.url, 'DBSIZE')).toBe(0)
  })

  test('is gone with process and data after stop, which may be called twice', async () => {
    const server = await keep(startPrivateRedis())
    const { pid, directory, url } = server
    expect(identifyProcess(pid)).toBeDefined()
    await server.stop()
    await server.stop()
    expect(identifyProcess(pid)).toBeUndefined()
    expect(existsSync(directory)).toBe(false)
    await expect(connectRedis(url)).rejects.toThrow()
    await expect(server.restart()).rejects.toThrow(TestServerUnavailable)
  })

  test('keeps port and append-only data over kill and restart', async () => {
    const server = await keep(startPrivateRedis({ appendOnly: true }))
    const { pid, url } = server
    await redisCall(url, 'SET', 'key', 'value')
    await server.kill()
    expect(server.isRunning).toBe(false)
    expect(identifyProcess(pid)).toBeUndefined()
    await server.restart()
    expect(server.isRunning).toBe(true)
    expect(server.url).toBe(url)
    expect(server.pid).not.toBe(pid)
    expect(await redisCall(url, 'GET', 'key')).toBe('value')
  })

  test('loses everything over kill and restart without persistence', async () => {
    const server = await keep(startPrivateRedis())
    await redisCall(server.url, 'SET', 'key', 'value')
    await server.restart()
    expect(await redisCall(server.url, 'DBSIZE')).toBe(0)
  })

  test('answers nothing while paused, and then what was asked', async () => {
    const server = await keep(startPrivateRedis())
    const client = await connectRedis(server.url)
    await server.pause()
    let isAnswered = false
    const answer = client.ping().then((pong) => {
      isAnswered = true
      return pong
    })
    // A second server, asked later and answering, has had all the time the first would have needed.
    const other = await keep(startPrivateRedis())
    expect(await redisCall(other.url, 'PING')).toBe('PONG')
    expect(isAnswered).toBe(false)
    server.resume()
    expect(await answer).toBe('PONG')
    client.disconnect()
  })

  test('can be killed while paused', async () => {
    const server = await keep(startPrivateRedis())
    await server.pause()
    await server.kill('SIGTERM')
    expect(server.isRunning).toBe(false)
  })

  test('takes further arguments, which win', async () => {
    const server = await keep(startPrivateRedis({ args: ['--maxmemory', '8mb', '--appendonly', 'yes'] }))
    expect(await redisCall(server.url, 'CONFIG', 'GET', 'maxmemory')).toEqual(['maxmemory', '8388608'])
    expect(await redisCall(server.url, 'CONFIG', 'GET', 'appendonly')).toEqual(['appendonly', 'yes'])
  })

  test('says why it did not start, with the log, and leaves no directory', async () => {
    const failure = startPrivateRedis({ args: ['--no-such-option', 'yes'] })
    await expect(failure).rejects.toThrow(TestServerUnavailable)
    await expect(failure).rejects.toThrow(/no-such-option/)
  })

  test('refuses a fixed port that is taken', async () => {
    const squatter = createServer()
    await new Promise<void>((resolve) => squatter.listen({ port: 0, host: '127.0.0.1' }, resolve))
    const { port } = squatter.address() as AddressInfo
    try {
      await expect(startPrivateRedis({ port })).rejects.toThrow(/in use/)
    } finally {
      squatter.close()
    }
  })
})

describe('startPrivateMariaDb', () => {
  test('commits durably, on a database of its own, over SIGKILL and restart', async () => {
    const startedAt = performance.now()
    const server = await keep(startPrivateMariaDb())
    console.log(`private mariadb: up in ${Math.round(performance.now() - startedAt)} ms`)
    const { pid, directory, url } = server
    expect(
      await sqlQuery(url, 'SELECT @@innodb_flush_log_at_trx_commit AS flush, DATABASE() AS name'),
    ).toEqual([{ flush: 1, name: 'se_test' }])
    await sqlQuery(url, 'CREATE TABLE kept (id INT PRIMARY KEY) ENGINE=InnoDB')
    await sqlQuery(url, 'INSERT INTO kept VALUES (7)')
    await server.kill()
    await expect(connectSql(url)).rejects.toThrow()
    await server.restart()
    expect(server.pid).not.toBe(pid)
    expect(await sqlQuery(url, 'SELECT id FROM kept')).toEqual([{ id: 7 }])
    await server.restart()
    expect(await sqlQuery(url, 'SELECT id FROM kept')).toEqual([{ id: 7 }])

    const lastPid = server.pid
    await server.stop()
    expect(identifyProcess(lastPid)).toBeUndefined()
    expect(existsSync(directory)).toBe(false)
  })

  test('takes further arguments and says why it did not start', async () => {
    await expect(startPrivateMariaDb({ args: ['--no-such-option'] })).rejects.toThrow(/no-such-option/)
  })
})

describe('startPrivateRedisCluster', () => {
  test('spreads the slots over three primaries, each with its replica', async () => {
    const startedAt = performance.now()
    const cluster = await keep(startPrivateRedisCluster({ replicasPerPrimary: 1 }))
    console.log(`private redis cluster of 6: up in ${Math.round(performance.now() - startedAt)} ms`)
    const client = new Cluster([cluster.urls[0] ?? ''], { slotsRefreshTimeout: 5_000 })
    try {
      await Promise.all(Array.from({ length: 100 }, (_, index) => client.set(`key-${index}`, String(index))))
      const sizes = await Promise.all(cluster.primaries.map((node) => redisCall(node.url, 'DBSIZE')))
      expect(sizes.map(Number).every((size) => size > 0)).toBe(true)
      expect(sizes.map(Number).reduce((sum, size) => sum + size)).toBe(100)
      expect(await client.get('key-42')).toBe('42')
    } finally {
      client.disconnect()
    }
    for (const [index, replica] of cluster.replicas.entries()) {
      expect(await redisCall(replica.url, 'INFO', 'replication')).toContain(
        `master_port:${String(cluster.primaries[index]?.port)}\r`,
      )
    }
    const pids = [...cluster.primaries, ...cluster.replicas].map((node) => node.pid)
    await cluster.stop()
    expect(pids.map((pid) => identifyProcess(pid))).toEqual(pids.map(() => undefined))
  })

  test('refuses fewer than three primaries and more than one replica', async () => {
    await expect(startPrivateRedisCluster({ primaryCount: 2 })).rejects.toThrow(/primaryCount.*3 to 10/)
    await expect(startPrivateRedisCluster({ replicasPerPrimary: 2 })).rejects.toThrow(/replicasPerPrimary/)
  })
})

test.each([
  ['redis', startPrivateRedis],
  ['mariadb', startPrivateMariaDb],
])('a %s leaves no timer behind that keeps the process alive, started and restarted', async (_, start) => {
  const left = await timersLeft(async () => {
    const server = await keep(start())
    await server.kill()
    await server.restart()
  })
  expect(left).toBe(0)
})

test('the log of a server lies in its directory', async () => {
  const server = await keep(startPrivateRedis())
  expect(readFileSync(join(server.directory, 'server.log'), 'utf8')).toContain('Ready to accept connections')
})
