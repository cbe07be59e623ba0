/**
 * Goal: what was put aside because the server was set up too small is stored when that is mended, without a restart of anything.
 * Method: an engine on a MariaDB of its own, whose max_allowed_packet is raised while it runs.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createEngine, type Engine } from '@se/engine'
import { startPrivateMariaDb, type PrivateServer } from '@se/testkit/services'
import { describeWithServer } from '@se/testkit/vitest'
import { mysqlArchive } from '@se/tiers-mysql/mysql'
import { createConnection } from 'mysql2/promise'
import { afterEach, beforeEach, expect, it } from 'vitest'

const SMALL_BYTES = 1_048_576
const LARGE_BYTES = 67_108_864
const value = Buffer.alloc(3 * SMALL_BYTES, 'x')

describeWithServer('sql', 'a value over max_allowed_packet', () => {
  let server: PrivateServer
  let directory: string
  let engine: Engine

  const newEngine = () => {
    engine = createEngine({
      log: { directory },
      archive: mysqlArchive({ url: server.url, poolSize: 3 }),
    })
    return engine.start()
  }

  async function setPacketBytes(bytes: number): Promise<void> {
    const connection = await createConnection(server.url)
    await connection.query(`SET GLOBAL max_allowed_packet = ${bytes}`)
    await connection.end()
  }

  beforeEach(async () => {
    server = await startPrivateMariaDb({ args: [`--max-allowed-packet=${SMALL_BYTES}`] })
    directory = mkdtempSync(path.join(tmpdir(), 'se-parked-'))
    await newEngine()
    await engine.submit('large', value)
    await engine.submit('small', 'beside it')
    await engine.flush()
  })
  afterEach(async () => {
    await engine.stop()
    await server.stop()
    rmSync(directory, { recursive: true })
  })

  async function expectStored(): Promise<void> {
    await engine.flush()
    expect(engine.parked()).toEqual([])
    const item = await engine.get('large', { consistency: 'source' })
    expect(Buffer.compare(item?.bytes ?? Buffer.of(), value)).toBe(0)
    expect(engine.status().gauges).toMatchObject({ pendingItems: 0 })
    expect(await engine.verify({ deep: true })).toMatchObject({ isTrusted: true })
  }

  it('is parked alone, and stored by `retryParked` once the limit was raised, on the connections that were there [W6, P73]', async () => {
    expect(engine.parked()).toMatchObject([{ id: 'large', because: 'refused-data' }])
    expect(await engine.get('small', { consistency: 'source' })).toMatchObject({ value: 'beside it' })
    await setPacketBytes(LARGE_BYTES)
    expect(await engine.retryParked('large')).toBe(1)
    await expectStored()
  })

  it('stays parked while it is retried too early, and is stored in the end [W6, P73]', async () => {
    for (let round = 0; round < 3; round++) {
      expect(await engine.retryParked('large')).toBe(1)
      expect(engine.parked()).toMatchObject([{ id: 'large', because: 'refused-data' }])
    }
    await setPacketBytes(LARGE_BYTES)
    expect(await engine.retryParked('large')).toBe(1)
    await expectStored()
  })

  it('is stored after a restart too [W6, P73]', async () => {
    await engine.stop()
    await setPacketBytes(LARGE_BYTES)
    await newEngine()
    expect(engine.parked()).toMatchObject([{ id: 'large' }])
    expect(await engine.retryParked('large')).toBe(1)
    await expectStored()
  })
})
