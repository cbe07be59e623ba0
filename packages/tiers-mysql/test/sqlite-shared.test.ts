import { execFile } from 'node:child_process'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createBranchSet, stampTimeOf, type ArchiveTier } from '@se/core'
import { linkOf } from '@se/core/testing'
import { sqliteArchive } from '../src/sqlite/index.ts'

let directory: string
let file: string
const open: ArchiveTier[] = []

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'se-shared-'))
  file = join(directory, 'archive.db')
})

afterEach(async () => {
  for (const archive of open.splice(0)) await archive.close()
  await rm(directory, { recursive: true })
})

interface Written {
  readonly birthId: string
  readonly instance: number
  readonly won: number
}

async function writer(batches: number): Promise<Written> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--conditions=@se/source', join(import.meta.dirname, 'sqlite-writer.ts'), file, String(batches)],
    { timeout: 100_000 },
  )
  return JSON.parse(stdout) as Written
}

it('four processes open one fresh file at once, and write: one archive, four instances, nothing lost [P79]', async () => {
  for (let round = 0; round < 3; round++) {
    file = join(directory, `fresh-${round}.db`)
    const written = await Promise.all(Array.from({ length: 4 }, () => writer(20)))
    expect(new Set(written.map(({ birthId }) => birthId)).size).toBe(1)
    expect(new Set(written.map(({ instance }) => instance)).size).toBe(4)
    expect(written.map(({ won }) => won)).toEqual([400, 400, 400, 400])
  }
  const archive = sqliteArchive({ file, exclusive: false })
  open.push(archive)
  await archive.open({ branches: createBranchSet(), digests: 'unkeyed' })
  let count = 0
  await archive.scanIds((ids) => void (count += ids.length))
  expect(count).toBe(1_600)
  expect((await archive.readHeads()).cut.positions.size).toBe(4)
}, 120_000)

it('eight more open it beside a writer that never rests [P79]', async () => {
  const busy = writer(400)
  const written = await Promise.all(Array.from({ length: 8 }, () => writer(2)))
  expect(written.map(({ won }) => won)).toEqual(Array.from({ length: 8 }, () => 40))
  expect((await busy).won).toBe(8_000)
}, 120_000)

it('the log beside the file is cut to its limit again after it has grown', async () => {
  const archive = sqliteArchive({ file })
  open.push(archive)
  await archive.open({ branches: createBranchSet(), digests: 'unkeyed' })
  const claim = await archive.claimInstance({ memory: undefined, knownNonces: [], nonce: '1'.repeat(32) })
  const time = stampTimeOf(Date.now() - 60_000)
  let sequence = 0
  const put = async (bytes: number, count: number) => {
    sequence += 1
    const writes = Array.from({ length: count }, (_, index) => ({
      id: `id.${index}`,
      stamp: { time: time + sequence, instance: claim.instance },
      state: 'default',
      contentType: '',
      bytes: new Uint8Array(bytes),
    }))
    await archive.putBatch({ claim, sequence, link: linkOf(claim.instance, sequence), writes })
  }
  await put(2 ** 20, 200)
  const walBytes = async () => (await stat(`${file}-wal`)).size
  expect(await walBytes()).toBeGreaterThan(150 * 2 ** 20)
  for (let count = 0; count < 20; count++) await put(2 ** 10, 200)
  expect(await walBytes()).toBeLessThanOrEqual(65 * 2 ** 20)
}, 120_000)

it('a visitor that waits for a write of its own process ends with an error, not never [P71]', async () => {
  const archive = sqliteArchive({ file, turnTimeoutMs: 200 })
  open.push(archive)
  await archive.open({ branches: createBranchSet(), digests: 'unkeyed' })
  const claim = await archive.claimInstance({ memory: undefined, knownNonces: [], nonce: '1'.repeat(32) })
  const put = (sequence: number) =>
    archive.putBatch({
      claim,
      sequence,
      link: linkOf(claim.instance, sequence),
      writes: [
        {
          id: 'a',
          stamp: { time: stampTimeOf(Date.now() - 60_000) + sequence, instance: claim.instance },
          state: 'default',
          contentType: '',
          bytes: Uint8Array.of(1),
        },
      ],
    })
  await put(1)
  await expect(archive.scanRows(async () => void (await put(2)))).rejects.toMatchObject({
    code: 'SE_TIER_UNAVAILABLE',
    message: /visitor must not wait/,
  })
  expect((await put(2)).outcomes[0]?.kind).toBe('won')
})

it('a close beside a scan that never ends is a close all the same [P71]', async () => {
  const archive = sqliteArchive({ file })
  open.push(archive)
  await archive.open({ branches: createBranchSet(), digests: 'unkeyed' })
  const claim = await archive.claimInstance({ memory: undefined, knownNonces: [], nonce: '1'.repeat(32) })
  const stamp = { time: stampTimeOf(Date.now() - 60_000), instance: claim.instance }
  const write = { id: 'a', stamp, state: 's', contentType: '', bytes: Uint8Array.of(1) }
  await archive.putBatch({ claim, sequence: 1, link: linkOf(1, 1), writes: [write] })
  let go!: () => void
  const scan = archive.scanRows(() => new Promise<void>((resolve) => (go = resolve))).catch(() => undefined)
  await new Promise((resolve) => setImmediate(resolve))
  await archive.close()
  expect((await archive.get('a')).kind).toBe('unknown')
  go()
  await scan
  await archive.open({ branches: createBranchSet(), digests: 'unkeyed' })
  expect((await archive.get('a')).kind).toBe('found')
})
