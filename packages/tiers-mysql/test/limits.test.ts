import type { RowDataPacket } from 'mysql2/promise'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createBranchSet, stampTimeOf, type CompleteArchiveTier, type Cut, type ItemWrite } from '@se/core'
import { cutAt, linkOf } from '@se/core/testing'
import { startPrivateMariaDb, uniqueDatabase, type PrivateServer } from '@se/testkit'
import { describeWithServer } from '@se/testkit/vitest'
import { mysqlArchive } from '../src/mysql/index.ts'
import { sqliteArchive } from '../src/sqlite/index.ts'
import { runAll, withConnection } from './mariadb-harness.ts'

// Every statement of both dialects at its largest: what follows the data in size is cut, or refused as data [P73].

const OPTIONS = { branches: createBranchSet(), digests: 'unkeyed' } as const
const IDS_MAX = 10_000
const cleanups: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

let nonceCount = 0
const newNonce = () => (nonceCount += 1).toString(16).padStart(32, '0')

class Writer {
  readonly archive: CompleteArchiveTier
  instance = 0
  sequence = 0
  #claim: Awaited<ReturnType<CompleteArchiveTier['claimInstance']>> | undefined
  #time = stampTimeOf(Date.now() - 600_000)

  constructor(archive: CompleteArchiveTier) {
    this.archive = archive
  }

  async start(): Promise<this> {
    this.#claim = await this.archive.claimInstance({ memory: undefined, knownNonces: [], nonce: newNonce() })
    this.instance = this.#claim.instance
    return this
  }

  get claim() {
    return this.#claim!
  }

  write(id: string, bytes: Uint8Array | undefined): ItemWrite {
    const stamp = { time: (this.#time += 1), instance: this.instance }
    return { id, stamp, state: 'default', contentType: '', bytes }
  }

  async put(writes: readonly ItemWrite[]) {
    const receipt = await this.send(writes)
    this.sequence += 1
    return receipt
  }

  send(writes: readonly ItemWrite[], sequence = this.sequence + 1) {
    const link = linkOf(this.instance, sequence)
    return this.archive.putBatch({ claim: this.claim, sequence, link, writes })
  }
}

/** Ids of 255 bytes, the longest there are. */
const longIds = (count: number) =>
  Array.from({ length: count }, (_, index) => `${String(index).padStart(6, '0')}${'é'.repeat(124)}x`)

/** All that a batch of the most and longest ids sets in motion. */
async function everythingAtItsLargest(writer: Writer): Promise<void> {
  const { archive } = writer
  const ids = longIds(IDS_MAX)
  expect(Buffer.byteLength(ids[0]!)).toBe(255)
  for (const bytes of [Uint8Array.of(1), new Uint8Array(50), undefined]) {
    const writes = ids.map((id) => writer.write(id, bytes))
    const receipt = await writer.put(writes)
    expect(receipt.outcomes.every(({ kind }) => kind === 'won')).toBe(true)
    expect((await writer.send(writes, writer.sequence)).wasCommittedBefore).toBe(true)
    const wanted = bytes === undefined ? 'absent' : 'found'
    const lookups = await archive.getMany(ids)
    expect(lookups.every(({ kind }) => kind === wanted)).toBe(true)
    const tail = await archive.readTail(cutAt(writer.claim.archiveId, []))
    expect(tail.kind === 'rows' && tail.rows.at(-1)?.entries.length).toBe(IDS_MAX)
  }
  expect(await archive.foldTree()).toBe(3)
  const { nowMs } = await archive.readHeads()
  expect(await archive.collectTombstones(nowMs)).toBe(IDS_MAX)
  expect(await archive.pruneLedger(nowMs + 60_000)).toBe(3)
}

/** Many directories that each wrote once: cuts, ranges, proofs and retirements name them all. */
async function manyInstances(archive: CompleteArchiveTier, count: number): Promise<void> {
  const first: [number, number][] = []
  const writers: Writer[] = []
  for (let index = 0; index < count; index++) {
    const writer = await new Writer(archive).start()
    await writer.put([writer.write(`id.${index}`, Uint8Array.of(1))])
    await writer.put([writer.write(`id.${index}`, Uint8Array.of(1))])
    first.push([writer.instance, 1])
    writers.push(writer)
  }
  const { archiveId } = writers[0]!.claim
  const rowsBeyond = async (from: Cut) => {
    const tail = await archive.readTail(from)
    return tail.kind === 'rows' ? tail.rows.length : tail.because
  }
  expect(await rowsBeyond(cutAt(archiveId, []))).toBe(2 * count)
  // Each position in the middle is proved by its row.
  expect(await rowsBeyond(cutAt(archiveId, first))).toBe(count)
  const wrong = cutAt(archiveId, first)
  const [last] = first.at(-1)!
  const positions = new Map([...wrong.positions, [last, { sequence: 1, link: 'f'.repeat(16) }]])
  expect(await rowsBeyond({ archiveId, positions })).toBe('another-history')
  expect(await archive.foldTree()).toBe(2 * count)
  for (const { claim } of writers) await archive.endInstance(claim)
  const { cut, nowMs } = await archive.readHeads()
  await archive.pruneLedger(nowMs + 60_000)
  const keeper = await new Writer(archive).start()
  for (let left = count; left > 0; left -= 1_000) {
    keeper.sequence += 1
    const retired = await archive.retireInstances({
      claim: keeper.claim,
      sequence: keeper.sequence,
      link: linkOf(keeper.instance, keeper.sequence),
      deadBeforeMs: 0,
      instancesMax: 1_000,
    })
    expect(retired).toHaveLength(Math.min(left, 1_000))
  }
  expect(await rowsBeyond(cut)).toBe(keeper.sequence)
  await archive.foldTree()
  expect((await archive.readTree()).cut.positions.size).toBe(1)
  // A directory whose claims failed often is known by many names.
  const knownNonces = Array.from({ length: 3_000 }, () => newNonce())
  const nonce = newNonce()
  const claim = await archive.claimInstance({ memory: undefined, knownNonces, nonce })
  const again = await archive.claimInstance({
    memory: undefined,
    knownNonces: [...knownNonces, nonce],
    nonce: newNonce(),
  })
  expect(again.instance).toBe(claim.instance)
}

describe('SQLite archive: at its largest', () => {
  async function newArchive(): Promise<CompleteArchiveTier> {
    const archive = sqliteArchive({ file: ':memory:' })
    cleanups.push(() => archive.close())
    await archive.open(OPTIONS)
    return archive
  }

  it('10,000 ids of 255 bytes [P73]', async () => {
    await everythingAtItsLargest(await new Writer(await newArchive()).start())
  }, 120_000)

  it('1,010 short-lived instances [P73, P80]', async () => {
    await manyInstances(await newArchive(), 1_010)
  }, 120_000)

  it('getMany of 20,000 ids, and of values that are large together', async () => {
    const archive = await newArchive()
    const writer = await new Writer(archive).start()
    const large = Array.from({ length: 12 }, (_, index) => `large.${index}`)
    for (const id of large) await writer.put([writer.write(id, new Uint8Array(4 * 2 ** 20).fill(7))])
    const ids = [...large, ...Array.from({ length: 20_000 }, (_, index) => `small.${index}`)]
    const lookups = await archive.getMany(ids)
    for (const [index, lookup] of lookups.entries()) {
      expect(lookup.kind).toBe(index < large.length ? 'found' : 'absent')
      if (lookup.kind === 'found') expect(lookup.item.bytes).toHaveLength(4 * 2 ** 20)
    }
  })
})

describeWithServer('sql', 'MariaDB archive: at its largest', () => {
  let server: PrivateServer

  beforeAll(async () => {
    server = await startPrivateMariaDb({ args: ['--innodb-buffer-pool-size=64M'] })
  })

  afterAll(() => server.stop())

  async function newWriter(packetBytesMax: number): Promise<Writer & { url: string }> {
    await runAll(server.url, [`SET GLOBAL max_allowed_packet = ${packetBytesMax}`])
    const { url, drop } = await uniqueDatabase(server.url)
    const archive = mysqlArchive({ url, poolSize: 3 })
    cleanups.push(drop, () => archive.close())
    await archive.open(OPTIONS)
    return Object.assign(await new Writer(archive).start(), { url })
  }

  it('10,000 ids of 255 bytes at max_allowed_packet=4M [P73]', async () => {
    await everythingAtItsLargest(await newWriter(4 * 2 ** 20))
  }, 180_000)

  it('what this server cannot take is refused as data before it is sent, and its parts are taken [P72, P73]', async () => {
    const writer = await newWriter(2 ** 20)
    const writes = longIds(IDS_MAX).map((id) => writer.write(id, Uint8Array.of(1)))
    await expect(writer.send(writes)).rejects.toMatchObject({
      code: 'SE_ARCHIVE_REFUSED_DATA',
      message: expect.stringContaining('max_allowed_packet'),
      details: { code: 'SE_PACKET_TOO_LARGE' },
    })
    for (let at = 0; at < IDS_MAX; at += 2_500) {
      const { outcomes } = await writer.put(writes.slice(at, at + 2_500))
      expect(outcomes.every(({ kind }) => kind === 'won')).toBe(true)
    }
    const lookups = await writer.archive.getMany(longIds(IDS_MAX))
    expect(lookups.every(({ kind }) => kind === 'found')).toBe(true)
  }, 180_000)

  it('many short-lived instances [P73, P80]', async () => {
    const { archive } = await newWriter(4 * 2 ** 20)
    await manyInstances(archive, 150)
  }, 180_000)

  it('values around 16 MiB, where the driver would send what is no packet [P72]', async () => {
    const writer = await newWriter(64 * 2 ** 20)
    const sizes = [
      // Around the size at which id, columns and heads fill the packet up to 16 MiB.
      ...Array.from({ length: 28 }, (_, index) => 2 ** 24 - 170 + index * 3),
      2 ** 24 - 1_025,
      2 ** 24 - 2,
      2 ** 24 - 1,
      2 ** 24,
      16_777_052,
    ]
    const value = new Uint8Array(2 ** 24)
    for (let at = 0; at < value.length; at++) value[at] = at % 251
    for (const size of sizes) {
      const { outcomes } = await writer.put([writer.write('v', value.subarray(0, size))])
      expect(outcomes[0]?.kind, `${size} bytes`).toBe('won')
    }
    // Each of them: the driver's window is three bytes wide.
    for (let size = 2 ** 24 - 116; size < 2 ** 24 - 100; size++) {
      const { outcomes } = await writer.put([writer.write('v', value.subarray(0, size))])
      expect(outcomes[0]?.kind, `${size} bytes`).toBe('won')
    }
    const lookup = await writer.archive.get('v')
    const bytes = lookup.kind === 'found' ? lookup.item.bytes : new Uint8Array()
    expect(Buffer.compare(bytes, value.subarray(0, 2 ** 24 - 101))).toBe(0)
  }, 240_000)

  it('getMany of 64 values of 4 MiB is many answers, none of them larger than 16 MiB', async () => {
    const writer = await newWriter(64 * 2 ** 20)
    const ids = Array.from({ length: 64 }, (_, index) => `large.${index}`)
    for (let at = 0; at < ids.length; at += 8) {
      const part = ids.slice(at, at + 8)
      await writer.put(part.map((id) => writer.write(id, new Uint8Array(4 * 2 ** 20).fill(9))))
    }
    const statements = await withConnection(server.url, async (connection) => {
      const count = async () => {
        const [rows] = await connection.query<RowDataPacket[]>("SHOW GLOBAL STATUS LIKE 'Com_stmt_execute'")
        return Number(rows[0]?.['Value'])
      }
      const before = await count()
      const lookups = await writer.archive.getMany([...ids, 'nobody'])
      for (const [index, lookup] of lookups.entries()) {
        expect(lookup.kind).toBe(index < ids.length ? 'found' : 'absent')
        if (lookup.kind === 'found') expect(lookup.item.bytes).toHaveLength(4 * 2 ** 20)
      }
      return (await count()) - before
    })
    expect(statements).toBe(1 + 16)
  }, 180_000)
})
