import { createConnection, type Connection, type RowDataPacket } from 'mysql2/promise'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createBranchSet, stampTimeOf, type ArchiveTier, type InstanceClaim, type ItemWrite } from '@se/core'
import { linkOf } from '@se/core/testing'
import { startPrivateMariaDb, type PrivateServer } from '@se/testkit'
import { describeWithServer } from '@se/testkit/vitest'
import { mysqlArchive } from '../src/mysql/index.ts'

// A server of our own: one that takes small packets only, whose statements nobody else adds to, and that is killed.
describeWithServer('sql', 'MariaDB archive: on a server of its own', () => {
  let server: PrivateServer
  let archive: ArchiveTier
  let own: InstanceClaim
  let sequence = 0

  beforeAll(async () => {
    server = await startPrivateMariaDb({ args: ['--max-allowed-packet=1M'] })
    archive = mysqlArchive({ url: server.url })
    await archive.open({ branches: createBranchSet(), digests: 'keyed' })
    own = await archive.claimInstance({ memory: undefined, knownNonces: [], nonce: 'd'.repeat(32) })
  })

  afterAll(async () => {
    await archive.close()
    await server.stop()
  })

  let time = stampTimeOf(Date.now() - 60_000)
  const write = (id: string, bytes: Uint8Array): ItemWrite => ({
    id,
    stamp: { time: (time += 1), instance: own.instance },
    state: 'default',
    contentType: '',
    bytes,
  })
  const send = (writes: readonly ItemWrite[]) =>
    archive.putBatch({ claim: own, sequence: sequence + 1, link: linkOf(own.instance, sequence + 1), writes })

  async function put(...writes: readonly ItemWrite[]) {
    const receipt = await send(writes)
    sequence += 1
    return receipt
  }

  async function counter(connection: Connection, name: string): Promise<number> {
    const [rows] = await connection.query<RowDataPacket[]>('SHOW GLOBAL STATUS LIKE ?', [name])
    return Number(rows[0]?.['Value'])
  }

  it('a value larger than the server takes is refused as data, not as an outage [W6, P6]', async () => {
    const large = write('large', new Uint8Array(1_100_000))
    await expect(send([write('good', new Uint8Array(10)), large])).rejects.toMatchObject({
      code: 'SE_ARCHIVE_REFUSED_DATA',
      // By us: a server cuts the connection in the middle of such a packet, and its reason may be lost with that.
      details: { code: 'SE_PACKET_TOO_LARGE' },
    })
    expect((await archive.get('good')).kind).toBe('absent')
    const medium = Array.from({ length: 5 }, (_, index) => write(`medium.${index}`, new Uint8Array(700_000)))
    expect((await put(...medium)).outcomes.map(({ kind }) => kind)).toEqual(medium.map(() => 'won'))
  })

  it('getMany is one statement, and none for nothing', async () => {
    const ids = Array.from({ length: 1_000 }, (_, index) => `many.${index}`)
    await put(...ids.map((id) => write(id, new Uint8Array(10))))
    const connection = await createConnection(server.url)
    try {
      for (const asked of [ids, ids.slice(0, 700), ['many.1'], [...ids, ...ids, 'nobody']]) {
        const before = await counter(connection, 'Com_stmt_execute')
        expect(await archive.getMany(asked)).toHaveLength(asked.length)
        expect((await counter(connection, 'Com_stmt_execute')) - before).toBe(1)
      }
      const before = await counter(connection, 'Questions')
      expect(await archive.getMany([])).toEqual([])
      // The question itself is one.
      expect((await counter(connection, 'Questions')) - before).toBe(1)
    } finally {
      await connection.end()
    }
  })

  it('a batch of 1,000 takes a handful of statements, new rows or old [P37]', async () => {
    const ids = Array.from({ length: 1_000 }, (_, index) => `batch.${index}`)
    const connection = await createConnection(server.url)
    try {
      const batch = async () => {
        const before = await counter(connection, 'Com_stmt_execute')
        await put(...ids.map((id) => write(id, new Uint8Array(100))))
        return (await counter(connection, 'Com_stmt_execute')) - before
      }
      expect(await batch()).toBe(5)
      expect(await batch()).toBe(5)
    } finally {
      await connection.end()
    }
  })

  it('a server killed while it commits: the batch is settled after its restart [W5]', async () => {
    const writes = [write('survivor', new Uint8Array(100))]
    const sent = send(writes).then(
      () => 'answered',
      () => 'lost',
    )
    await server.kill()
    await sent
    expect((await archive.get('survivor')).kind).toBe('unknown')
    await server.restart()
    const [outcome] = (await put(...writes)).outcomes
    expect(outcome).toMatchObject({ kind: 'won', version: 1 })
    const heads = await archive.readHeads()
    expect(heads.cut.positions.get(own.instance)?.sequence).toBe(sequence)
    expect((await archive.readTree()).tail.kind).toBe('rows')
  })
})
